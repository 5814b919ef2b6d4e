//! How uncertain a number is: cluster-robust standard errors, intervals, and the clustered bootstrap.

pub mod bootstrap;
pub mod linear;
pub mod settings;

pub use bootstrap::{Quantity, Replicates, resample};
pub use linear::{Linear, linear};
pub use settings::{Clustering, Estimand, Inference, Interval, Level, Method, NotALevel};
