//! What a judge costs, and what its errors imply.

use undersight_core::NanoUsd;
use undersight_metrics::card::{Card, Latency, Summed};

use super::{ALL, Figure, Piece, Section, in_points, statuses, table};
use crate::number::count;

pub(super) fn spend(card: &Card) -> Option<Section> {
    let s = &card.spend;
    let dollars = |nano: f64| format!("${:.6}", nano / 1e9);
    let line = |what: &str, sum: &Summed, total: &dyn Fn(i64) -> String, mean: &dyn Fn(f64) -> String| {
        vec![
            Figure::text(what),
            Figure::amount(sum.total(), total),
            Figure::written(sum.mean(), mean),
            Figure::count(sum.known).resting_on(vec![
                Piece::text("of "),
                Piece::whole(sum.of),
                Piece::text(", sum "),
                Piece { shown: total(sum.sum), exact: Some(sum.sum.to_string()) },
            ]),
        ]
    };
    let tokens = |what: &str, sum: &Summed| {
        line(what, sum, &|n| count(u64::try_from(n).unwrap_or_default()), &|mean| format!("{mean:.1}"))
    };
    let costs = table(
        "Money and tokens",
        &["", "Total", "Each", "Known"],
        vec![
            line("Cost", &s.cost, &|nano| NanoUsd(nano).to_string(), &dollars),
            tokens("Prompt tokens", &s.input),
            tokens("Reply tokens", &s.output),
            tokens("Reasoning tokens", &s.reasoning),
        ],
    );
    let milliseconds = |us: i64| {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let ms = us as f64 / 1000.0;
        if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
    };
    let at = |of: fn(&Latency) -> i64| Figure::amount(s.latency.as_ref().map(of), milliseconds);
    let times = table(
        "Time of a judgement",
        &["Asked", "p50", "p90", "p99"],
        vec![vec![Figure::count(s.asked), at(|l| l.p50), at(|l| l.p90), at(|l| l.p99)]],
    );
    let mut ends: Vec<Vec<Figure>> =
        s.statuses.iter().map(|(family, n)| vec![Figure::text(family.name()), statuses(n)]).collect();
    if ends.len() > 1 {
        ends.insert(0, vec![Figure::text(ALL), statuses(&s.ended())]);
    }
    let ends = table("How judgements ended", &["Family", "Judgements"], ends);
    let notes = vec![
        "A total is unknown (–) as soon as one of its parts is. Times are of judgements with a reply."
            .to_owned(),
    ];
    (card.trials > 0).then(|| Section {
        id: "spend",
        title: "Cost and time",
        bars: None,
        tables: vec![costs, times, ends],
        notes,
    })
}

pub(super) fn implied(card: &Card) -> Option<Section> {
    let a = card.settings.assumptions;
    let shares = card
        .implied
        .iter()
        .map(|i| {
            vec![
                Figure::text(i.task.name()),
                Figure::measured(Some(i.sensitivity)),
                Figure::measured(Some(i.specificity)),
                Figure::ratio(Some(i.attenuation), Some(i.attenuation_interval)),
                Figure::share(i.random, None),
            ]
        })
        .collect();
    let resolves = card
        .implied
        .iter()
        .map(|i| {
            let r = &i.resolves;
            let mut row = vec![Figure::text(i.task.name())];
            row.extend([r.value, r.best, r.worst, r.perfect, Some(i.bias), Some(i.bias_most)].map(in_points));
            row
        })
        .collect();
    let assumed = vec![
        vec![Figure::text("Instances"), Figure::count(a.instances())],
        vec![Figure::text("Samples of each"), Figure::count(a.samples().into())],
        vec![Figure::text("Share that truly passes"), Figure::share(Some(a.share()), None)],
        vec![Figure::text("Of its variance, between instances"), Figure::share(Some(a.icc()), None)],
        vec![Figure::text("Correlation of both models"), Figure::ratio(Some(a.correlation().get()), None)],
        vec![Figure::text("Power"), Figure::share(Some(a.test().power()), None)],
        vec![Figure::text("Confidence level of the test"), Figure::share(Some(a.test().level().get()), None)],
    ];
    let tables = vec![
        table(
            "What shows of a true difference",
            &["Task", "Sensitivity", "Specificity", "J", "Random"],
            shares,
        ),
        table(
            "Differences between two models, in points",
            &["Task", "Resolved", "At best", "At worst", "No errors", "Bias", "Bias at most"],
            resolves,
        ),
        table("Assumptions about the comparison", &["Assumed", "Value"], assumed),
    ];
    let mut notes = vec![
        "J = sensitivity + specificity − 1: a true difference d shows as J·d, provided the judge errs alike on both models. \
         Random: the part of the variance its errors make that repeats show to be chance; votes reduce that part alone."
            .to_owned(),
        "Resolved: the smallest true difference found with the stated power; at best and at worst: with both rates at the upper \
         and lower limits of their intervals; no errors: what sampling alone allows. –: none is."
            .to_owned(),
        "Bias: how far apart two equally good models may look if the judge errs differently on them, within both intervals; at \
         most: whatever share passes. More cases narrow it, more instances do not."
            .to_owned(),
    ];
    let chance = card.implied.iter().filter(|i| i.attenuation_interval.low <= 0.0);
    notes.extend(chance.map(|i| {
        format!("These cases do not show that the judge is better than chance at {}: the interval of J reaches 0.", i.task)
    }));
    (!card.implied.is_empty()).then_some(Section {
        id: "implied",
        title: "What it implies",
        bars: None,
        tables,
        notes,
    })
}
