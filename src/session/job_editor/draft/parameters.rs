//! The parameters of the open job as typed.

use fanlane_core::job::{Parameter, ParameterKind};

/// A parameter as it is edited. What was typed for another type is kept while one looks around.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParameterDraft {
    /// Its name.
    pub name: String,
    /// What it is called in the form.
    pub label: String,
    /// What it is for.
    pub help: String,
    /// Its type; of what it holds only that counts which has no text here.
    pub kind: ParameterKind,
    /// The smallest number.
    pub min: String,
    /// The largest number.
    pub max: String,
    /// The distance of two numbers.
    pub step: String,
    /// What is counted.
    pub unit: String,
    /// The texts to choose from, one a line.
    pub choices: String,
    /// The text for yes.
    pub yes: String,
    /// The text for no.
    pub no: String,
    /// The default.
    pub default: String,
    /// Nothing runs without a value.
    pub required: bool,
    /// The key of the field that it sets.
    pub sets: String,
}

impl ParameterDraft {
    /// A new one, whose name none of these has.
    pub fn new(others: &[Self]) -> Self {
        let is_free = |name: &String| others.iter().all(|other| other.name != *name);
        let name = (others.len() + 1..).map(|number| format!("parameter{number}")).find(is_free);
        Self { name: name.unwrap_or_default(), ..Self::from_parameter(&Parameter::default()) }
    }

    pub(super) fn from_parameter(parameter: &Parameter) -> Self {
        let shown = |number: &Option<f64>| number.map_or_else(String::new, |number| number.to_string());
        let mut draft = Self {
            name: parameter.name.clone(),
            label: parameter.label.clone(),
            help: parameter.help.clone(),
            kind: parameter.kind.clone(),
            default: parameter.default.clone(),
            required: parameter.required,
            sets: parameter.sets.clone(),
            yes: "yes".to_owned(),
            no: "no".to_owned(),
            ..Self::default()
        };
        match &parameter.kind {
            ParameterKind::Number { min, max, step, unit } => {
                (draft.min, draft.max, draft.step) = (shown(min), shown(max), shown(step));
                draft.unit.clone_from(unit);
            }
            ParameterKind::Choice(choices) => draft.choices = choices.join("\n"),
            ParameterKind::YesNo { yes, no } => (draft.yes, draft.no) = (yes.clone(), no.clone()),
            ParameterKind::Text | ParameterKind::File | ParameterKind::Folder | ParameterKind::Path => {}
        }
        draft
    }

    pub(super) fn to_parameter(&self) -> Result<Parameter, String> {
        let number = |text: &str, what: &str| match text.trim() {
            "" => Ok(None),
            text => {
                let number: Option<f64> = text.parse().ok();
                number.map(Some).ok_or_else(|| format!("{}: the {what} {text:?} is no number", self.name))
            }
        };
        let kind = match &self.kind {
            ParameterKind::Number { .. } => ParameterKind::Number {
                min: number(&self.min, "smallest value")?,
                max: number(&self.max, "largest value")?,
                step: number(&self.step, "step")?,
                unit: self.unit.clone(),
            },
            ParameterKind::Choice(_) => {
                let choices = self.choices.lines().map(str::trim).filter(|choice| !choice.is_empty());
                ParameterKind::Choice(choices.map(str::to_owned).collect())
            }
            ParameterKind::YesNo { .. } => ParameterKind::YesNo { yes: self.yes.clone(), no: self.no.clone() },
            plain => plain.clone(),
        };
        Ok(Parameter {
            name: self.name.trim().to_owned(),
            label: self.label.clone(),
            help: self.help.clone(),
            kind,
            default: self.default.clone(),
            required: self.required,
            sets: self.sets.clone(),
        })
    }
}

/// The parameters that the drafts say; those of `opened` stay exactly as they are where the drafts say the same.
pub(super) fn to_parameters(drafts: &[ParameterDraft], opened: &[Parameter]) -> Result<Vec<Parameter>, String> {
    let kept =
        |draft: &ParameterDraft| opened.iter().find(|one| ParameterDraft::from_parameter(one) == *draft).cloned();
    drafts.iter().map(|draft| kept(draft).map_or_else(|| draft.to_parameter(), Ok)).collect()
}
