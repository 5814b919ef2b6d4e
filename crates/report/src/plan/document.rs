//! A plan as a JSON document.

use serde_json::{Map, Value, json};
use undersight_metrics::plan::{
    Best, Component, Evidence, JudgeNoise, Mix, Need, Outlook, PairedSpread, Pairing, Request, Split, Spread,
    StudyPlan,
};

/// `undersight.plan/v1`: shares, variances in squared shares, differences as shares; unknown is null.
#[must_use]
pub fn json(plan: &StudyPlan) -> Value {
    let Request { measure, missing, difference, test, target, pairing, .. } = &plan.request;
    json!({
        "schema": "undersight.plan/v1",
        "measure": measure.to_string(),
        "missing": missing.name(),
        "difference": difference,
        "level": test.level().get(),
        "power": test.power(),
        "estimand": target.estimand.about(),
        "available": target.available,
        "paired": matches!(pairing, Pairing::Paired(_)),
        "mix": plan.request.mix.as_ref().map(mix),
        "pilot": pilot_json(&plan.evidence),
        "judge": judge_json(plan),
        "remains": plan.remains,
        "outlooks": plan.outlooks.iter().map(outlook_json).collect::<Vec<_>>(),
        "split": plan.split.as_ref().map(best_json),
    })
}

fn mix(mix: &Mix) -> Value {
    Value::Object(mix.scenarios().map(|(s, share)| (s.name().to_owned(), Value::from(share))).collect())
}

fn component(component: Component) -> Value {
    json!({ "value": component.value, "se": component.se })
}

fn pilot_json(evidence: &Evidence) -> Value {
    let one = |s: &Spread| {
        json!({
            "share": s.share,
            "instances": s.instances,
            "clusters": s.clusters,
            "between": component(s.between),
            "within": component(s.within),
            "shared": component(s.shared),
            "design_effect": s.design_effect.map(component),
            "icc": s.icc.map(component),
        })
    };
    let two = |s: &PairedSpread| {
        json!({
            "arms": [one(&s.a), one(&s.b)],
            "between": component(s.between),
            "within": component(s.within),
            "shared": component(s.shared),
            "correlation": s.correlation.map(component),
        })
    };
    let scenario = |name: &str, weight: f64, spread: Value| {
        (name.to_owned(), json!({ "weight": weight, "spread": spread }))
    };
    let scenarios: Map<String, Value>;
    match evidence {
        Evidence::One(pilot) => {
            scenarios = pilot
                .scenarios
                .iter()
                .map(|s| scenario(s.scenario.name(), s.weight, one(&s.spread)))
                .collect();
            json!({ "runs": [pilot.run], "k": [pilot.k], "overall": one(&pilot.overall), "scenarios": scenarios })
        }
        Evidence::Two(pair) => {
            scenarios = pair
                .scenarios
                .iter()
                .map(|s| scenario(s.scenario.name(), s.weight, two(&s.spread)))
                .collect();
            json!({ "runs": pair.runs, "k": pair.k, "overall": two(&pair.overall), "scenarios": scenarios })
        }
    }
}

fn judge_json(plan: &StudyPlan) -> Value {
    let Some(part) = plan.judge else { return Value::Null };
    let (flips, errors) = match part.noise {
        JudgeNoise::Flips(flips) => (Some(flips), None),
        JudgeNoise::Errors(errors) => (None, Some(errors)),
    };
    json!({
        "flips": flips,
        "sensitivity": errors.map(|e| e.sensitivity()),
        "specificity": errors.map(|e| e.specificity()),
        "variance": part.variance,
        "of_within": part.of_within,
    })
}

fn outlook_json(outlook: &Outlook) -> Value {
    let need =
        |n: &Need| json!({ "samples": n.samples, "instances": n.instances, "detectable": n.detectable });
    json!({
        "correlation": outlook.assumed.map(|c| c.get()),
        "contrast": {
            "between": outlook.contrast.between,
            "shared": outlook.contrast.shared,
            "within": outlook.contrast.within,
        },
        "needs": outlook.needs.iter().map(need).collect::<Vec<_>>(),
        "samples_on_all": outlook.samples_on_all,
    })
}

fn best_json(best: &Best) -> Value {
    let split = |s: &Split| {
        json!({
            "instances": s.instances,
            "samples": s.samples,
            "labels": s.labels,
            "cost": s.cost,
            "se": s.se,
            "detectable": s.detectable,
        })
    };
    json!({
        "best": split(&best.best),
        "judge_alone": best.judge_alone.as_ref().map(split),
        "by_samples": best.by_samples.iter().map(split).collect::<Vec<_>>(),
    })
}
