//! Children: processes as workers. `starter`, `serving`, `hearing`, `supervisor`, `requests`, `nested` and
//! `child_link` are the side of the process that has made the pool; `parent`, `tasks_of_parent` and `given`
//! that of a child; `message` is what they say to each other. docs/processes.md has the whole of it.

mod ahead;
pub(crate) mod answer;
mod asked;
mod asking;
mod broadcast;
pub(crate) mod child_link;
mod child_values;
pub(crate) mod children;
mod closing;
pub(crate) mod given;
mod hearing;
pub(crate) mod hello;
pub(crate) mod marked;
pub(crate) mod message;
mod nested;
mod outcome;
mod pace;
pub(crate) mod parent;
pub(crate) mod refusal;
mod requests;
mod serving;
pub(crate) mod sharing;
pub(crate) mod starter;
pub(crate) mod streams;
mod supervisor;
mod tasks_of_parent;
pub(crate) mod view;
mod watching;
