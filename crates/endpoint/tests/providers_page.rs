//! The page of providers in the docs: an introduction kept here, and tables made from the rows.

use std::fmt::Write as _;

use undersight_core::ModelName;
use undersight_endpoint::providers::rows;
use undersight_endpoint::providers::table::{
    self, BatchApi, Documented, Engine, KeyNeed, Literal, Literals, Member, Row,
};

const INTRODUCTION: &str = "\
# Providers

A model is called `provider/name`: the provider is a row of the tables below, the name is the provider's own, slashes and
all (`openrouter/deepseek/deepseek-r1`). Everything below the introduction is made from the table the program itself uses.
What a provider does was taken from its documentation; what nobody could confirm is left out or said to be so. Whether your
server does as documented, only a call can tell.

## Keys and base URLs

- A key comes from the environment or from `.env`, never from a file of settings. Each variable in the table is tried, the
  first that is set counts. Servers on this machine need none.
- A base URL is the address up to what the wire format adds (`/chat/completions` and the like, which may also stand at its
  end). It comes from `--model-base-url`, else from the variable of the key with `_BASE_URL` in place of `_API_KEY`, else from
  the table. Any service that speaks a provider's format can be called this way, regional addresses for instance.
- `openai-api/<service>/<model>` is for all others: `openai-api/acme/some-model` takes `ACME_BASE_URL` and `ACME_API_KEY`.

## What a trace is

Every sample says what its trace is:

| provenance | means |
|---|---|
| `full` | the model's own reasoning, as far as its maker says |
| `summary` | a summary of it, written by the provider |
| `encrypted` | there was reasoning, but only the provider can read it |
| `absent` | none arrived |
| `truncated` | the reply was cut off within the reasoning |

What arrived decides first: reasoning that a reply itself calls a summary or sends encrypted is just that, wherever it comes
from. Readable text is then what the provider's row says it is: the model's own, or a summary. Where that depends on the
model, its maker's documentation decides, by the name the reply gives (else the one asked for):

| models | readable reasoning is |
|---|---|
| Claude 3.7 | the model's own |
| Claude from 4 on, Gemini, OpenAI's own (`gpt-5`, `o3`, …) | a summary |
| gpt-oss, DeepSeek, Qwen, Kimi, GLM, Doubao, Mistral and Magistral, MiniMax, grok-3-mini | the model's own |
| any other | a summary where the host marks it so (OpenRouter does), else taken for the model's own |

So an alias of a proxy that hides the maker's name turns a summary into a full trace. Reasoning between tags in the content
(`<think>` and its like) is always the model's own, because no provider writes its summaries there.

## Thinking, effort, and parameters a provider does not take

`--reasoning-effort` passes a level on as it is; which levels there are depends on the model. `--thinking-budget` is a number
of tokens. Neither is translated into the other, except that Gemini 2.5, which knows no levels, gets the budget Google gives
for `low`, `medium` and `high` (1,024, 8,192 and 24,576). Leaving both out leaves it to the provider, which for some means no
reasoning at all.

A parameter that a provider has no member for stops the run before it begins, because a run would claim a setting that
nobody applied. `--allow-unsupported` goes on without it, and the run's record says so. A provider may still ignore what it
documents, and a model may refuse what its provider takes.
";

/// A line of a table.
fn line(out: &mut String, cells: &[String]) {
    let _ =
        writeln!(out, "| {} |", cells.iter().map(|c| c.replace('|', "\\|")).collect::<Vec<_>>().join(" | "));
}

fn table(out: &mut String, title: &str, before: &str, head: &[&str], cells: impl Fn(&Row) -> Vec<String>) {
    let _ = write!(out, "\n## {title}\n\n{before}");
    line(out, &head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    let _ = writeln!(out, "|{}", "---|".repeat(head.len()));
    rows::all().for_each(|row| line(out, &cells(row)));
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn listed(texts: impl IntoIterator<Item = String>) -> String {
    let texts: Vec<String> = texts.into_iter().collect();
    if texts.is_empty() { "–".to_owned() } else { texts.join(", ") }
}

fn key_variables(row: &Row) -> Vec<String> {
    if row.by_service() {
        return vec!["<SERVICE>_API_KEY".to_owned()];
    }
    let model = ModelName::parse(&format!("{}/m", row.name)).expect("a model's name");
    table::find(&model).expect("every row is found by its name").key_vars
}

fn provider(row: &Row) -> Vec<String> {
    let key = listed(key_variables(row).iter().map(|var| code(var)));
    vec![
        code(row.name),
        row.title.to_owned(),
        row.style.title().to_owned(),
        row.base_url.map_or_else(|| "yours".to_owned(), code),
        if row.key == KeyNeed::Optional { format!("{key} (if any)") } else { key },
    ]
}

fn literals(literals: Literals) -> impl Iterator<Item = String> {
    literals.iter().map(|(path, literal)| match literal {
        Literal::Bool(value) => code(&format!("{path}: {value}")),
        Literal::Text(text) => code(&format!("{path}: \"{text}\"")),
    })
}

fn parameters(row: &Row) -> Vec<String> {
    let member = |member: Option<Member>| {
        let Some(member) = member else { return "–".to_owned() };
        let beside: Vec<String> = literals(member.with).collect();
        let along = if beside.is_empty() { String::new() } else { format!(" with {}", beside.join(", ")) };
        code(member.path) + &along
    };
    let takes = &row.params;
    let members = [
        takes.temperature,
        takes.top_p,
        takes.top_k,
        takes.max_tokens,
        takes.seed,
        takes.effort,
        takes.budget,
        takes.n,
    ];
    let always = listed(literals(row.always));
    [code(row.name)].into_iter().chain(members.map(member)).chain([always]).collect()
}

fn offers(row: &Row) -> Vec<String> {
    let yes = |is: bool| if is { "yes" } else { "–" }.to_owned();
    let batch = row.batch.map_or("–", |api| match api {
        BatchApi::OpenAi => "OpenAI",
        BatchApi::Anthropic => "Anthropic",
    });
    let engine = row.engine.map_or("–", |engine| match engine {
        Engine::Vllm => "vLLM",
        Engine::Sglang => "SGLang",
        Engine::LlamaCpp => "llama.cpp",
        Engine::Transformers => "transformers",
    });
    let limit = row.default_max_tokens.map_or_else(|| "–".to_owned(), |tokens| tokens.to_string());
    vec![
        code(row.name),
        yes(row.json_schema),
        yes(row.include_usage),
        batch.to_owned(),
        engine.to_owned(),
        limit,
    ]
}

fn traces(row: &Row) -> Vec<String> {
    let trace = match row.trace {
        Documented::Own => "the model's own",
        Documented::Summary => "a summary",
        Documented::ByModel => "by model",
        Documented::Never => "none is returned",
    };
    vec![code(row.name), trace.to_owned(), listed(row.tested.iter().map(|&against| against.to_owned()))]
}

fn page() -> String {
    let mut out = INTRODUCTION.to_owned();
    let head = ["provider", "what it is", "wire format", "base URL", "key"];
    table(&mut out, "The providers", "", &head, provider);
    let before = "\
The member of the request each parameter is sent as, its place in dots; – where the provider takes none such. `n` asks for
several replies at once, which runs never do. Simulated models take everything.

";
    let head = [
        "provider",
        "`--temperature`",
        "`--top-p`",
        "`--top-k`",
        "`--max-tokens`",
        "seed",
        "`--reasoning-effort`",
        "`--thinking-budget`",
        "`n`",
        "always sent",
    ];
    table(&mut out, "Parameters", before, &head, parameters);
    let before = "\
*Structured output*: a judge's schema is sent along. *Usage asked for*: a stream is asked for its token counts; others send
them unasked, or are not documented to. *Batches*: the batch API it offers, by whose shape it has. *Engine*: what can be
started where no server answers. *Reply limit*: what is filled in where `--max-tokens` is left out, because the API insists.

";
    let head = ["provider", "structured output", "usage asked for", "batches", "engine", "reply limit"];
    table(&mut out, "What they offer", before, &head, offers);
    let before = "\
What the provider documents readable reasoning to be, and what the row was tried against: *recorded shapes* are test cases
made from what that server was seen to send; anything else is a program that tests talk to. – means that the row rests on
documentation alone.

";
    table(&mut out, "Traces and tests", before, &["provider", "reasoning", "tested against"], traces);
    out.push_str("\n## Worth knowing\n\n");
    for row in rows::all() {
        let note =
            if row.note.is_empty() { String::new() } else { format!("{}. ", row.note.replace('<', "&lt;")) };
        let _ = writeln!(out, "- `{}`: {note}[Documentation]({})", row.name, row.docs);
    }
    out
}

#[test]
fn the_page_of_providers_in_the_docs() {
    let file = testkit::repository().join("docs/providers.md");
    let made = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &made).expect("the page is written");
    }
    let shown = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        shown == made,
        "write it anew: UPDATE_DOCS=1 cargo test -p undersight-endpoint --test providers_page"
    );
}
