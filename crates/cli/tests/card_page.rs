//! The offline judge's own card in the docs is what the product prints.

mod common;

use common::Place;

/// Everything but what differs from day to day and from machine to machine.
fn lasting(card: &str) -> String {
    let mut lines = Vec::new();
    let mut timed = false;
    for line in card.lines() {
        timed = match line {
            "Time of a judgement" => true,
            _ if line.is_empty() || line.starts_with('|') => timed,
            _ => false,
        };
        if !timed && !line.starts_with("| Date |") && !line.starts_with("| Undersight |") {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn the_card_in_the_docs() {
    let card = Place::new().run(&["judge", "card", "--judge", "sim/judge", "--format", "markdown"]).expect(0);
    let page = testkit::repository().join("docs/cards/sim-judge.md");
    let found = lasting(&card.stdout);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(page.parent().expect("a folder")).expect("a folder for cards");
        std::fs::write(&page, &found).expect("the page is written");
    }
    let shown = std::fs::read_to_string(&page).expect("the page");
    assert!(shown == found, "write it anew: UPDATE_DOCS=1 cargo test -p undersight --test card_page");
}
