//! The words of Undersight as types: instances, arms, samples, judgements, their ids and hashes,
//! and the one event enum between the engine and whatever shows progress. No I/O, no async.

pub mod arm;
pub mod batch;
pub mod case;
pub mod category;
pub mod cluster;
pub mod event;
pub mod hash;
pub mod human;
pub mod instance;
pub mod judge;
pub mod judgement;
pub mod label;
pub mod message;
pub mod money;
pub mod outcome;
pub mod probe;
pub mod run;
pub mod sample;
pub mod scenario;
pub mod sim;
pub mod text;
pub mod time;
pub mod trace;
pub mod trial;

pub use arm::{Arm, GenParams, ModelName};
pub use batch::{Batch, BatchEnd};
pub use case::{Case, CaseLabels};
pub use category::{Category, Subcategory};
pub use cluster::clusters;
pub use event::{Event, Observer, Stage};
pub use hash::Digest;
pub use human::HumanLabel;
pub use instance::{Instance, OsParts, Risk};
pub use judge::{Escalate, JudgeKind, JudgeSpec, LabelMap, MemberSpec, PanelRule, PanelSpec, VerdictFormat};
pub use judgement::{
    ByHand, CurrentInputs, Details, Evidence, Judgement, JudgementFlags, JudgementKey, JudgementStatus,
    PartsHandled, Place, RiskFinding, Task, Vote,
};
pub use label::Label;
pub use message::{Message, Role};
pub use money::NanoUsd;
pub use outcome::{Handled, Item, Outcome, Study, Verdict};
pub use run::{Plan, Run, Selection};
pub use sample::{
    Cause, CauseKind, FinishReason, RawExchange, Reasoning, Retry, Sample, SampleKey, SampleStatus, Timing,
    Usage,
};
pub use scenario::Scenario;
pub use sim::SimTruth;
pub use time::Micros;
pub use trace::{Extraction, Part, Provenance, Span, SpanKind};
pub use trial::{Family, Trial, TrialOutcome};
