"""What the evaluation report covers of TRIPOD (2015) and CLAIM (2020), item by item, and what it does not.

The items are in short words of our own; the statements' own texts hold.
"""

from __future__ import annotations

from dataclasses import dataclass

COVERED, PARTLY, NOT = "covered", "partly", "not covered"


@dataclass(frozen=True)
class Item:
    """An item, how far the report covers it, and where, or who else has to say it."""

    number: str
    topic: str
    coverage: str
    where: str


TRIPOD = (
    Item("1", "Title: development or validation, population, outcome", PARTLY, "heading; the population is the cohort"),
    Item("2", "Abstract", PARTLY, "section Against the goals"),
    Item("3a", "Background and rationale", NOT, "for the manuscript"),
    Item("3b", "Objectives", PARTLY, "section Against the goals"),
    Item("4a", "Source of data", COVERED, "section What was evaluated"),
    Item("4b", "Study dates", NOT, "no dates are kept in a dataset; virtual patients have none"),
    Item("5a", "Setting and centres", PARTLY, "subgroup Scanner"),
    Item("5b", "Eligibility", PARTLY, "criteria are in each case.json; variants are a subgroup"),
    Item("5c", "Treatments received", NOT, "not recorded"),
    Item("6a", "Outcome and how it is assessed", COVERED, "section What was evaluated: reference BMD and thresholds"),
    Item("6b", "Blinding of the outcome's assessment", NOT, "for the annotators' protocol; virtual truth needs none"),
    Item("7a", "Predictors", COVERED, "the CT alone; models and checksums in section What was evaluated"),
    Item("7b", "Blinding of the predictors' assessment", COVERED, "the chain sees the CT only"),
    Item("8", "Sample size and how it was arrived at", PARTLY, "n in every section; its reason is for the manuscript"),
    Item("9", "Missing data", COVERED, "failures count as failures; sections Failures and Diagnosis"),
    Item("10a", "Handling of predictors (development)", NOT, "in the models' cards"),
    Item("10b", "Type of model and how it was built (development)", NOT, "in the models' cards and the README"),
    Item("10c", "How predictions are calculated (validation)", COVERED, "section How to make this report again"),
    Item("10d", "Measures of performance", COVERED, "all sections"),
    Item("10e", "Updating of the model (validation)", PARTLY, "the rows with the scanner's own line given"),
    Item("11", "Risk groups", COVERED, "thresholds in section What was evaluated"),
    Item("12", "Differences from the development data (validation)", NOT, "compare with the models' cards"),
    Item("13a", "Flow of participants", PARTLY, "measured, failed and rightly refused; section What was evaluated"),
    Item("13b", "Characteristics of the participants", COVERED, "section Subgroups"),
    Item("13c", "Comparison with the development data (validation)", NOT, "compare with the models' cards"),
    Item("14a", "Participants and events of each analysis", COVERED, "n/N in every table"),
    Item("14b", "Unadjusted associations (development)", NOT, "the only predictor is the CT"),
    Item("15a", "The full model", PARTLY, "names and checksums; the weights ship with the software"),
    Item("15b", "How to use the model", PARTLY, "section How to make this report again; the README"),
    Item("16", "Performance with intervals", COVERED, "all sections"),
    Item("17", "Results of updating (validation)", PARTLY, "the rows with the scanner's own line given"),
    Item("18", "Limitations", PARTLY, "section What was evaluated; the README"),
    Item("19a", "Results beside those of development and other data", PARTLY, "the paper's figures in columns beside"),
    Item("19b", "Interpretation", NOT, "for the manuscript"),
    Item("20", "Implications", NOT, "for the manuscript"),
    Item("21", "Supplementary information", COVERED, "cases.csv and report.json beside this page"),
    Item("22", "Funding", NOT, "for the manuscript"),
)

CLAIM = (
    Item("1", "Title names the kind of AI", PARTLY, "heading"),
    Item("2", "Structured summary", PARTLY, "section Against the goals"),
    Item("3", "Background and clinical role", NOT, "for the manuscript"),
    Item("4", "Objectives and hypotheses", PARTLY, "section Against the goals"),
    Item("5", "Prospective or retrospective", NOT, "for the dataset's description; virtual patients are neither"),
    Item("6", "Goal of the study", PARTLY, "section Against the goals"),
    Item("7", "Sources of data", COVERED, "section What was evaluated"),
    Item("8", "Eligibility", PARTLY, "exclusions are in each case.json; variants are a subgroup"),
    Item("9", "Pre-processing", NOT, "in the models' cards and the README"),
    Item("10", "Selection of data subsets", PARTLY, "cohort, seeds or fold in section What was evaluated"),
    Item("11", "Definitions of data elements", COVERED, "units in every heading; columns in cases.py"),
    Item("12", "De-identification", NOT, "the dataset's check; virtual patients have no identity"),
    Item("13", "Missing data", COVERED, "failures count as failures; section Failures"),
    Item("14", "Definition of the reference standard", COVERED, "section What was evaluated"),
    Item("15", "Reason for the reference standard", PARTLY, "section What was evaluated"),
    Item("16", "Source of the annotations", PARTLY, "virtual: painted; else annotator and reviewer in each case.json"),
    Item("17", "Annotation tools", NOT, "in the dataset's history"),
    Item("18", "Variability between and within readers", NOT, "the dataset's second readings"),
    Item("19", "Sample size", PARTLY, "n in every section; its reason is for the manuscript"),
    Item("20", "Partitions", PARTLY, "unseen seeds, or the fold"),
    Item("21", "Level at which partitions are disjoint", COVERED, "patients; seeds that no fit has drawn"),
    Item("22", "Description of the model", NOT, "in the models' cards and the README"),
    Item("23", "Software", PARTLY, "version in the footer; versions of libraries in pyproject.toml"),
    Item("24", "Initialisation", NOT, "in the models' cards"),
    Item("25", "Training", NOT, "in the models' cards"),
    Item("26", "Choice of the final model", PARTLY, "section Designs, where designs are compared"),
    Item("27", "Ensembling", NOT, "none is used"),
    Item("28", "Metrics", COVERED, "all sections"),
    Item("29", "Uncertainty and significance", COVERED, "95 % intervals; DeLong's and Wilcoxon's tests"),
    Item("30", "Robustness", COVERED, "section Subgroups; the cohort many-scanners"),
    Item("31", "Explainability", NOT, "the result's preview shows the masks that were measured"),
    Item("32", "External data", PARTLY, "only with --dataset of another institution"),
    Item("33", "Flow of cases", PARTLY, "section What was evaluated"),
    Item("34", "Demographics of each partition", PARTLY, "section Subgroups, of the tested partition"),
    Item("35", "Performance on all partitions", PARTLY, "of the tested partition"),
    Item("36", "Diagnostic accuracy with precision", COVERED, "section Diagnosis"),
    Item("37", "Failures", COVERED, "section Failures"),
    Item("38", "Limitations", PARTLY, "section What was evaluated; the README"),
    Item("39", "Implications", NOT, "for the manuscript"),
    Item("40", "Registration", NOT, "for the manuscript"),
    Item("41", "Access to the protocol", PARTLY, "section How to make this report again"),
    Item("42", "Funding", NOT, "for the manuscript"),
)
CHECKLISTS = {"TRIPOD (2015)": TRIPOD, "CLAIM (2020)": CLAIM}
