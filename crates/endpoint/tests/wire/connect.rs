//! From names and settings to endpoints, or to messages that help.

use undersight_core::ModelName;
use undersight_endpoint::{ConnectError, Endpoint, Options, connect};

fn attempt(model: &str, base: Option<&str>, env: &[(&str, &str)]) -> Result<Endpoint, ConnectError> {
    let options = Options { base_urls: base.map(str::to_owned).into_iter().collect(), ..Options::default() };
    let look = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    connect(&ModelName::parse(model).unwrap(), &options, &look)
}

#[test]
fn addresses_come_from_the_flag_the_environment_or_the_row() {
    let check = |model: &str, base: Option<&str>, env: &[(&str, &str)], url: &str| {
        assert_eq!(attempt(model, base, env).unwrap().url(), url, "{model} {base:?} {env:?}");
    };
    let key = ("OPENAI_API_KEY", "k");
    check("openai/o3", None, &[key], "https://api.openai.com/v1/chat/completions");
    let env = [key, ("OPENAI_BASE_URL", "http://gateway.example/v1/")];
    check("openai/o3", None, &env, "http://gateway.example/v1/chat/completions");
    check("openai/o3", Some("http://localhost:1/v1"), &env, "http://localhost:1/v1/chat/completions");
    check("openai/o3", Some("http://localhost:1/v1"), &[], "http://localhost:1/v1/chat/completions");
    check("vllm/org/m", None, &[], "http://localhost:8000/v1/chat/completions");
    check("ollama/m:7b", None, &[], "http://localhost:11434/v1/chat/completions");
    check("deepseek/m", None, &[("DEEPSEEK_API_KEY", "k")], "https://api.deepseek.com/chat/completions");
    check(
        "openrouter/a/b",
        None,
        &[("OPENROUTER_API_KEY", "k")],
        "https://openrouter.ai/api/v1/chat/completions",
    );
    check(
        "openai-api/my-lab/org/m",
        None,
        &[("MY_LAB_BASE_URL", "https://lab.example/v1"), ("MY_LAB_API_KEY", "k")],
        "https://lab.example/v1/chat/completions",
    );
    check("vllm/m", Some("http://h/v1/chat/completions"), &[], "http://h/v1/chat/completions");
    check("vllm/m", Some("http://user:secret@h/v1?api-key=abcd1234#x"), &[], "http://h/v1/chat/completions");
    check("vllm/m", None, &[("VLLM_BASE_URL", "  ")], "http://localhost:8000/v1/chat/completions");
}

#[test]
fn what_cannot_be_connected_says_why_and_what_to_do() {
    let check = |model: &str, base: Option<&str>, env: &[(&str, &str)], words: &str, hint: &str| {
        let error = attempt(model, base, env).unwrap_err();
        assert!(error.to_string().contains(words), "{model}: {error}");
        assert!(error.hint().contains(hint), "{model}: {}", error.hint());
        assert!(!format!("{error} {error:?} {}", error.hint()).contains("hunter2"), "{model}");
    };
    check("opnai/o3", None, &[], "unknown provider \"opnai\"", "did you mean \"openai\"?");
    check("vlm/m", None, &[], "unknown provider", "did you mean \"vllm\"?");
    check("elsewhere/m", None, &[], "unknown provider", "openrouter");
    check("openai/o3", None, &[], "no key for openai/o3", "set OPENAI_API_KEY");
    check("openai/o3", None, &[("OPENAI_API_KEY", " ")], "no key", "set OPENAI_API_KEY");
    check("openai/o3", None, &[("OPENAI_API_KEY", "hunter2\nhunter2")], "line break", "the key alone");
    check("openai/o3", None, &[("OPENAI_API_KEY", "hunter2 x")], "white space", "the key alone");
    check("openai/o3", None, &[("OPENAI_API_KEY", "hunter2é")], "outside ASCII", "the key alone");
    check("openai-api/lab/m", None, &[], "no base URL", "set LAB_BASE_URL");
    check("openai-api/lab", None, &[], "names no service", "openai-api/<service>/<model>");
    check("openai-api/lab/m", None, &[("LAB_BASE_URL", "https://lab.example")], "no key", "set LAB_API_KEY");
    check("vllm/m", Some("localhost:8000/v1"), &[], "http://", "http://localhost:8000/v1");
    check("vllm/m", Some("nonsense"), &[], "is no URL", "http://localhost:8000/v1");
    check("vllm/m", Some("ftp://u:hunter2@h"), &[], "http://", "looks like");
}

#[test]
fn a_trailing_line_break_is_not_part_of_a_key() {
    assert!(attempt("openai/o3", None, &[("OPENAI_API_KEY", "k\n")]).is_ok());
    assert!(attempt("openai/o3", None, &[("OPENAI_API_KEY", " k\r\n")]).is_ok());
}
