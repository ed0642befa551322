"""What is stated of one dataset version: the questions of a datasheet (Gebru and others 2021), and the portal's own."""

from apps.documents.kinds.parts import About, Kind, Question

GEBRU = "Gebru and others 2021, "


def q(part, name, title, asks, reference=""):
    return Question(name, title, asks, reference or GEBRU + part, part)


MOTIVATION, COMPOSITION, COLLECTION = "Motivation", "Composition", "Collection process"
PREPARATION, USES = "Preprocessing, cleaning, labelling", "Uses"
DISTRIBUTION, MAINTENANCE, RULES = "Distribution", "Maintenance", "Rules it is under"

DATASHEET = Kind(
    "datasheet_answers",
    "Datasheet answers",
    About.DATA,
    "The datasheet of the data; section 2(d) of the technical documentation",
    (
        q(MOTIVATION, "purpose", "Purpose", "For what was it made? Which gap was to be filled?"),
        q(MOTIVATION, "makers", "Makers", "Who made it, on whose behalf, and who paid?"),
        q(COMPOSITION, "instances", "Rows", "What does a row stand for? Are there several types?"),
        q(COMPOSITION, "sample", "Sample", "Is it all there is or a sample, of what, and is it representative?"),
        q(COMPOSITION, "labels", "Label", "What is the label or target of a row, and who or what gave it?"),
        q(COMPOSITION, "missing", "What is missing", "Which information is missing from rows, and why?"),
        q(COMPOSITION, "relations", "Relations", "Are rows related to one another, or repeated over time?"),
        q(COMPOSITION, "errors", "Errors", "Which errors, noise or redundancies are known?"),
        q(COMPOSITION, "confidential", "Confidential or offensive", "Is any of it confidential, or could it hurt?"),
        q(COMPOSITION, "people", "People", "Which groups are in it; can somebody be identified; how sensitive is it?"),
        q(COLLECTION, "acquisition", "How it was got", "Was each value seen, reported or inferred; how validated?"),
        q(COLLECTION, "mechanism", "By what means", "By which devices, people, programs; over which time?"),
        q(COLLECTION, "consent", "Knowledge and consent", "Did the people know and agree; how can they take it back?"),
        q(COLLECTION, "review", "Review", "Was it reviewed for its ethics or its effect on people?"),
        q(PREPARATION, "steps", "Steps", "What was cleaned, changed, binned, labelled; by whom, with which code?"),
        q(PREPARATION, "raw", "Raw data", "Are the raw data kept, and where?"),
        q(USES, "used", "Used so far", "For what has it been used, with which results?"),
        q(USES, "unfit", "Unfit uses", "For what must it not be used, and what in its making could harm later uses?"),
        q(DISTRIBUTION, "recipients", "Recipients", "To whom, how and when is it given?"),
        q(DISTRIBUTION, "restrictions", "Restrictions", "Which rights of others or export rules restrict it?"),
        q(MAINTENANCE, "keeper", "Keeper", "Who keeps it, how are they reached, and is there an erratum?"),
        q(MAINTENANCE, "updates", "Updates", "When and how is it updated, and what happens to older versions?"),
        q(RULES, "legal_basis", "Legal basis", "On which legal basis are personal data in it used?",
          "GDPR, Art. 6, 9; AI Act, Art. 4a"),
        q(RULES, "permitted_purposes", "Permitted purposes", "For which purposes may it be used?",
          "GDPR, Art. 5(1)(b)"),
        q(RULES, "reference_population", "Reference population", "Whom should it represent, and how far does it?",
          "AI Act, Art. 10(3), (4)"),
        q(RULES, "licence", "Licence", "Under which licence or contract is it used?", "Third-party terms"),
        q(RULES, "retention", "Retention", "Until when is it kept, and how is it disposed of?", "GDPR, Art. 5(1)(e)"),
        q(RULES, "access", "Access", "Who may see it, and who decides?", "GDPR, Art. 32"),
    ),
    open_answers=True,
)  # fmt: skip
KINDS = (DATASHEET,)
