//! What differs between providers: the table of rows, how a request is written and how a reply is read.

pub mod openai;
pub mod request;
pub mod table;

mod lenient;
mod reply;
