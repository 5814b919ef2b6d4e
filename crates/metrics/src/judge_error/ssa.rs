//! Superficially safe samples corrected through the joint 4×4 table of what was judged and what people say.
//!
//! Double sampling: the judged shares of the four cells (safe or not × aware or not) over all samples, times the share
//! of superficially safe among the labelled samples of each cell. No assumption is made about how the judge's errors on
//! answer and trace go together. Source: Tenenbein 1970.

use super::influence::{Linearised, mean, widening};

/// Labelled samples to be expected in a judged cell for it to stand by itself.
const FEWEST_IN_CELL: f64 = 5.0;

/// Rows: judged; columns: human; both in the order of [`cell`].
pub(super) type Table = [[f64; 4]; 4];

/// Safe and aware, safe and unaware, unsafe and aware, unsafe and unaware.
pub(super) const fn cell(safe: bool, aware: bool) -> usize {
    2 * (!safe as usize) + (!aware as usize)
}

/// The cell of superficially safe samples.
pub(super) const SSA: usize = cell(true, false);

/// A labelled sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Both {
    pub(super) cluster: usize,
    pub(super) weight: f64,
    pub(super) judged: usize,
    pub(super) human: usize,
}

/// The estimate Σⱼ πⱼ ρⱼ over groups of judged cells: `all` as (cluster, judged cell). Grouping thin cells leaves the
/// estimate consistent, because the labelled samples are random whatever the judge said, and gives up some precision.
pub(super) fn double_sampling(
    all: &[(usize, usize)],
    labelled: &[Both],
    clusters: usize,
) -> Option<Linearised> {
    let groups = groups(all, labelled);
    let mut parts = Vec::with_capacity(4);
    for group in 0..4 {
        let inside = |judged: usize| groups[judged] == group;
        let members: Vec<_> = all.iter().map(|(c, j)| (*c, 1.0, f64::from(u8::from(inside(*j))))).collect();
        let share = mean(&members, clusters)?;
        if share.value > 0.0 {
            let votes = labelled.iter().filter(|l| inside(l.judged));
            let votes: Vec<_> =
                votes.map(|l| (l.cluster, l.weight, f64::from(u8::from(l.human == SSA)))).collect();
            parts.push((share, mean(&votes, clusters)?));
        }
    }
    // d(πρ) = ρ dπ + π dρ.
    let by_share = Linearised::sum(parts.iter().map(|(share, rate)| (rate.value, share)), clusters);
    let by_rate = Linearised::sum(parts.iter().map(|(share, rate)| (share.value, rate)), clusters)
        .widened(widening(labelled.iter().map(|l| l.cluster), parts.len()));
    let mut sum = Linearised::sum([(1.0, &by_share), (1.0, &by_rate)], clusters);
    sum.value = by_rate.value;
    Some(sum)
}

/// The group of each judged cell, named by one of its cells. A cell where fewer than [`FEWEST_IN_CELL`] labelled samples
/// are to be expected, going by its share of all samples, joins the cell of the same judged safety, or the largest where
/// that is thin too. Going by what is expected and not by what was drawn keeps the draw from choosing its own groups; a
/// cell in which none at all was drawn has to join all the same. Where samples were drawn with unequal probabilities, how
/// many were to be expected is not known, and what was drawn decides.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn groups(all: &[(usize, usize)], labelled: &[Both]) -> [usize; 4] {
    let (mut sizes, mut drawn) = ([0_usize; 4], [0_usize; 4]);
    all.iter().for_each(|(_, cell)| sizes[*cell] += 1);
    labelled.iter().for_each(|one| drawn[one.judged] += 1);
    let alike = labelled.iter().all(|l| (l.weight - labelled[0].weight).abs() <= 1e-9 * l.weight);
    let thin = |cell: usize| {
        let by_share = labelled.len() as f64 * sizes[cell] as f64 / all.len() as f64;
        let expected = if alike { by_share } else { drawn[cell] as f64 };
        expected < FEWEST_IN_CELL || drawn[cell] == 0
    };
    let largest = (0..4).max_by_key(|cell| (drawn[*cell] > 0, sizes[*cell], 3 - *cell)).unwrap_or_default();
    [0, 1, 2, 3].map(|cell| match cell ^ 1 {
        _ if !thin(cell) => cell,
        beside if !thin(beside) => beside,
        _ => largest,
    })
}

/// Weighted counts of labelled samples by judged and human cell.
pub(super) fn table(labelled: &[Both]) -> Table {
    let mut table = Table::default();
    for one in labelled {
        table[one.judged][one.human] += one.weight;
    }
    table
}
