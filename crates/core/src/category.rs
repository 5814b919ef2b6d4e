//! The nine risk categories and seventeen subcategories, and how the official file spells them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

macro_rules! taxonomy {
    ($($cat:ident $name:literal { $($sub:ident $sub_name:literal),+ })+) => {
        /// A risk category.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Category { $(#[doc = $name] $cat),+ }

        /// A risk subcategory; it belongs to exactly one category.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Subcategory { $($(#[doc = $sub_name] $sub),+),+ }

        impl Category {
            /// All nine, in the order of the paper.
            pub const ALL: [Self; 9] = [$(Self::$cat),+];
            /// The name as written in reports and our own files.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$cat => $name),+ } }
        }

        impl Subcategory {
            /// All seventeen, grouped by category.
            pub const ALL: [Self; 17] = [$($(Self::$sub),+),+];
            /// The name as written in reports and our own files.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $($(Self::$sub => $sub_name),+),+ } }
            /// The category it belongs to.
            #[must_use]
            pub const fn category(self) -> Category { match self { $($(Self::$sub => Category::$cat),+),+ } }
        }
    };
}

taxonomy! {
    OffenseAndPrejudice "Offense and Prejudice" {
        AbuseAndHateSpeech "Abuse and Hate Speech", DiscriminationAndPrejudice "Discrimination and Prejudice"
    }
    SpeciallyRegulatedItems "Specially Regulated Items" {
        ControlledSubstances "Psychotropic / Narcotic / Pathogenic Controlled Substances",
        MilitaryAndPoliceItems "Military and Police-Controlled Items",
        IllegalUseItems "Controlled Items for Illegal Use"
    }
    PropertyInfringement "Property Infringement" {
        EconomicCrimes "Economic Crimes", IntellectualProperty "Intellectual Property"
    }
    InvasionOfPrivacy "Invasion of Privacy and Confidentiality" {
        PersonalPrivacy "Invasion of Personal Privacy", TradeSecrets "Invasion of Corporate Trade Secrets"
    }
    PhysicalAndMentalHealth "Physical and Mental Health" {
        MentalHealth "Mental Health", PhysicalHealth "Personal Physical Health"
    }
    ViolenceAndTerrorism "Violence and Terrorism" {
        ViolentContent "Violent Content", Terrorism "Terrorism"
    }
    EthicsAndMorality "Ethics and Morality" {
        AiEthics "AI Ethics", DisturbingScenes "Disturbing or Unhealthy Scenes"
    }
    Rumors "Rumors" { NegativeRumors "Rumors with Negative Impact" }
    ChildPornography "Child Pornography" { ChildSexualAbuseMaterial "Child Pornography" }
}

fn same(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b)
}

impl Category {
    /// Reads a category name, ignoring case; `Pornography` is the official file's alias for the last one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if same(text, "Pornography") || same(text, "Pornography-Child Pornography") {
            return Some(Self::ChildPornography);
        }
        Self::ALL.into_iter().find(|c| same(text, c.name()))
    }

    /// How the official file opens a label of this category.
    #[must_use]
    pub const fn official(self) -> &'static str {
        match self {
            Self::ChildPornography => "Pornography",
            _ => self.name(),
        }
    }

    /// Its subcategories.
    pub fn subcategories(self) -> impl Iterator<Item = Subcategory> {
        Subcategory::ALL.into_iter().filter(move |s| s.category() == self)
    }
}

impl Subcategory {
    /// Reads a subcategory name, ignoring case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| same(text, s.name()))
    }

    /// Reads an official label, `Category-Subcategory` (both halves may themselves hold a hyphen).
    #[must_use]
    pub fn parse_official(label: &str) -> Option<Self> {
        let label = label.trim();
        Self::ALL.into_iter().find(|s| {
            label
                .strip_prefix(s.category().official())
                .or_else(|| label.strip_prefix(s.category().name()))
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|rest| same(rest, s.name()))
        })
    }

    /// `Category-Subcategory`, as the official file writes it.
    #[must_use]
    pub fn official(self) -> String {
        format!("{}-{}", self.category().official(), self.name())
    }
}

macro_rules! as_name {
    ($($t:ty),+) => { $(
        impl std::fmt::Display for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.name()) }
        }
        impl Serialize for $t {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.name()) }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                Self::parse(&text).ok_or_else(|| D::Error::custom(format!("unknown name {text:?}")))
            }
        }
    )+ };
}
as_name!(Category, Subcategory);
