//! Statistical primitives, each a formula with its source and no knowledge of what is measured: distributions, intervals,
//! clustered errors, tests, effect sizes and agreement. Estimates, comparisons and judge error are built from them.
//!
//! Shares, probabilities and p-values are between 0 and 1. Where a value is undefined the answer is `None`.

mod agreement;
mod beta;
mod binomial;
mod cluster;
mod effect;
mod mcnemar;
mod multiple;
mod normal;
mod passk;

pub use agreement::{Coefficient, cohen_kappa, gwet_ac1, krippendorff_alpha, observed_agreement, scott_pi};
pub use beta::{beta_cdf, beta_quantile};
pub use binomial::{Range, beta_1_1, binomial_cdf, binomial_pmf, clopper_pearson, wilson};
pub use cluster::{Components, Correction, cluster_se, icc, iid_se, variance_components};
pub use effect::{OddsRatio, cohen_h, odds_ratio_discordant};
pub use mcnemar::{mcnemar_exact, mcnemar_mid};
pub use multiple::{benjamini_hochberg, benjamini_yekutieli, holm};
pub use normal::{normal_cdf, normal_p_two_sided, normal_quantile, t_quantile};
pub use passk::{pass_at, pass_hat};
