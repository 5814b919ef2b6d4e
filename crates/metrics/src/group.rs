//! The slices that scores are given for, and which instances are in them.

use undersight_core::{Category, Item, Scenario, Subcategory};

use crate::panel::Panel;

/// A set of instances that gets numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// The whole plan.
    All,
    /// One scenario.
    Scenario(Scenario),
    /// Instances with a risk of the category; one with both risks in it counts once.
    Category(Category),
    /// Likewise.
    Subcategory(Subcategory),
}

impl Group {
    /// Every group, in the order of reports.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::All)
            .chain(Scenario::ALL.into_iter().map(Self::Scenario))
            .chain(Category::ALL.into_iter().map(Self::Category))
            .chain(Subcategory::ALL.into_iter().map(Self::Subcategory))
    }

    /// Whether an instance is in it.
    #[must_use]
    pub fn has(self, item: &Item) -> bool {
        match self {
            Self::All => true,
            Self::Scenario(scenario) => item.scenario == scenario,
            Self::Category(category) => item.subcategories.iter().any(|s| s.category() == category),
            Self::Subcategory(subcategory) => item.subcategories.contains(&subcategory),
        }
    }

    /// The places of its instances in a panel.
    #[must_use]
    pub fn members(self, panel: &Panel) -> Vec<usize> {
        (0..panel.items.len()).filter(|at| self.has(&panel.items[*at])).collect()
    }

    /// Which kind of group.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Scenario(_) => "scenario",
            Self::Category(_) => "category",
            Self::Subcategory(_) => "subcategory",
        }
    }

    /// Its name; empty for the whole plan.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Scenario(scenario) => scenario.name(),
            Self::Category(category) => category.name(),
            Self::Subcategory(subcategory) => subcategory.name(),
        }
    }
}
