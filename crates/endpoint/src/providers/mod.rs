//! What differs between providers: the table of rows, the wire formats they speak, and what they document.

pub mod chat;
pub mod converse;
pub mod documented;
pub mod gemini;
pub mod messages;
pub mod responses;
pub mod rows;
pub mod table;
pub mod wire;

mod lenient;
mod members;
