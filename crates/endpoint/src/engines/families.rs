//! Which reasoning parser a model's family needs, by the name of the model: without one, vLLM and SGLang leave the
//! trace in the content. The names of the parsers are those the engines document or register.

/// A family, told by what its models' names hold, and its parsers.
struct Family {
    /// All of these are in the name.
    has: &'static [&'static str],
    /// None of these is.
    lacks: &'static [&'static str],
    vllm: Option<&'static str>,
    sglang: Option<&'static str>,
}

const fn family(
    has: &'static [&'static str],
    vllm: Option<&'static str>,
    sglang: Option<&'static str>,
) -> Family {
    Family { has, lacks: &[], vllm, sglang }
}

/// Models of these families that do not think: a parser could take their answers for thoughts.
const PLAIN: &[&str] = &["instruct", "coder", "embedding", "reranker", "base"];

/// The first that fits counts: a distilled model is called after its teacher first.
const FAMILIES: &[Family] = &[
    family(&["gpt-oss"], Some("openai_gptoss"), Some("gpt-oss")),
    family(&["deepseek-r1"], Some("deepseek_r1"), Some("deepseek-r1")),
    family(&["deepseek-v3"], Some("deepseek_v3"), Some("deepseek-v3")),
    family(&["deepseek-v4"], Some("deepseek_v4"), Some("deepseek-v4")),
    family(&["qwq"], Some("deepseek_r1"), None),
    family(&["qwen3", "thinking"], Some("qwen3"), Some("qwen3-thinking")),
    Family { has: &["qwen3"], lacks: PLAIN, vllm: Some("qwen3"), sglang: Some("qwen3") },
    family(&["glm-4.5"], Some("glm45"), Some("glm45")),
    family(&["glm-4.6"], Some("glm45"), Some("glm45")),
    family(&["glm-4.7"], Some("glm45"), Some("glm45")),
    family(&["magistral"], Some("mistral"), Some("mistral")),
    family(&["granite-3.2"], Some("granite"), None),
    family(&["granite-3.3"], Some("granite"), None),
    family(&["hunyuan-a13b"], Some("hunyuan_a13b"), Some("hunyuan")),
    family(&["ernie-4.5", "thinking"], Some("ernie45"), None),
    family(&["ernie-4.5", "vl"], Some("ernie45"), None),
    family(&["kimi-k2", "thinking"], Some("kimi_k2"), Some("kimi_k2")),
    family(&["minimax-m2"], Some("minimax_m2_append_think"), Some("minimax-append-think")),
    family(&["seed-oss"], Some("seed_oss"), None),
    family(&["olmo-3", "think"], Some("olmo3"), None),
    family(&["step3"], Some("step3"), Some("step3")),
    family(&["mimo"], Some("mimo"), Some("mimo")),
    family(&["holo2"], Some("holo2"), None),
    family(&["command-a-reasoning"], Some("cohere_command3"), None),
    family(&["gemma-4"], Some("gemma4"), Some("gemma4")),
    family(&["nemotron-3"], Some("nemotron_v3"), Some("nemotron_3")),
];

/// vLLM's parser for a model.
pub(crate) fn vllm(model: &str) -> Option<&'static str> {
    find(model)?.vllm
}

/// SGLang's parser for a model.
pub(crate) fn sglang(model: &str) -> Option<&'static str> {
    find(model)?.sglang
}

/// The last part of a name or path that names a family: what stands further left is an owner or a folder.
fn find(model: &str) -> Option<&'static Family> {
    model.rsplit(['/', '\\']).find_map(|part| {
        let part = part.to_lowercase().replace('_', "-");
        FAMILIES.iter().find(|family| {
            family.has.iter().all(|word| part.contains(word))
                && !family.lacks.iter().any(|word| part.contains(word))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{sglang, vllm};

    #[track_caller]
    fn check(model: &str, by_vllm: Option<&str>, by_sglang: Option<&str>) {
        assert_eq!((vllm(model), sglang(model)), (by_vllm, by_sglang), "{model}");
    }

    #[test]
    fn families_by_name() {
        check("Qwen/Qwen3-8B", Some("qwen3"), Some("qwen3"));
        check("Qwen/Qwen3-30B-A3B-Thinking-2507", Some("qwen3"), Some("qwen3-thinking"));
        check("Qwen/Qwen3-30B-A3B-Instruct-2507", None, None);
        check("Qwen/Qwen3-Coder-30B-A3B-Instruct", None, None);
        check("Qwen/QwQ-32B", Some("deepseek_r1"), None);
        check("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", Some("deepseek_r1"), Some("deepseek-r1"));
        check("deepseek-ai/DeepSeek-V3.2", Some("deepseek_v3"), Some("deepseek-v3"));
        check("openai/gpt-oss-20b", Some("openai_gptoss"), Some("gpt-oss"));
        check("mistralai/Magistral-Small-2509", Some("mistral"), Some("mistral"));
        check("zai-org/GLM-4.5-Air", Some("glm45"), Some("glm45"));
        check("ibm-granite/granite-3.3-8b-instruct", Some("granite"), None);
        check("moonshotai/Kimi-K2-Instruct", None, None);
        check("/models/my_qwen3/", Some("qwen3"), Some("qwen3"));
        check("/models/Qwen3-8B/checkpoint-20", Some("qwen3"), Some("qwen3"));
        check("meta-llama/Llama-3.1-8B-Instruct", None, None);
        check("", None, None);
    }
}
