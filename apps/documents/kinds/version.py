"""What is stated of one model version, and is to be stated again of the next."""

from apps.documents.kinds.parts import About, Kind, Question

Q = Question


def kind(name, title, needed_for, *questions):
    return Kind(name, title, About.MODEL, needed_for, questions)


KINDS = (
    kind(
        "design_rationale",
        "Design",
        "Sections 2(a) to 2(c) of the technical documentation",
        Q("steps", "Steps", "By which steps was it developed; which parts and tools of others were used, and how?",
          "AI Act, Annex IV(2)(a)"),
        Q("choices", "Choices", "What is it optimised for; which choices, assumptions and trade-offs were made, why?",
          "AI Act, Annex IV(2)(b)"),
        Q("alternatives", "Alternatives", "Which simpler or other designs were tried, and why were they not taken?",
          "SR 26-2, development", needed=False),
        Q("architecture", "Architecture", "How do its parts build on and feed each other?", "AI Act, Annex IV(2)(c)"),
    ),
    kind(
        "instructions_for_use",
        "Instructions for use",
        "Deployment; section 1(h) of the technical documentation",
        Q("use", "Use", "How is it installed, fed, read, and by whom?", "AI Act, Art. 13(3)(b)"),
        Q("limits", "Limits", "In which circumstances must its answer not be relied on?", "AI Act, Art. 13(3)(b)(iii)"),
        Q("oversight", "Oversight", "Which oversight does a deployer have to set up?", "AI Act, Art. 13(3)(d)"),
        Q("care", "Care", "Which resources, upkeep and lifetime does it have; how are logs kept?",
          "AI Act, Art. 13(3)(e), (f)"),
    ),
    kind(
        "model_card_notes",
        "Model card: what only people can say",
        "The model card",
        Q("factors", "Factors", "Which groups, instruments and settings could matter, also those that nobody measured?",
          "Mitchell and others 2019, 4.3"),
        Q("metrics", "Choice of measures", "Why these measures and thresholds, and how were variations handled?",
          "Mitchell and others 2019, 4.4"),
        Q("out_of_scope", "Out of scope", "For which uses, near to the intended ones, is it not made?",
          "Mitchell and others 2019, 4.2"),
        Q("ethics", "Ethical considerations", "Which data, lives, risks and harms were weighed, and how were they met?",
          "Mitchell and others 2019, 4.8"),
        Q("caveats", "Caveats and recommendations", "What is not settled, and what do you advise who uses it?",
          "Mitchell and others 2019, 4.9"),
        Q("contact", "Contact", "Where are questions and comments sent?", "Mitchell and others 2019, 4.1"),
    ),
    kind(
        "declaration_of_conformity",
        "Declaration of conformity",
        "Deployment; section 8 of the technical documentation",
        Q("declared", "Declaration", "The text of the declaration, with the system it is about and the rules it meets.",
          "AI Act, Art. 47, Annex V"),
        Q("signed", "Signed", "By whom, in which function, where and on which day?", "AI Act, Annex V(8)"),
        Q("registered", "Registration", "Its number in the EU database.", "AI Act, Art. 49", needed=False),
    ),
    kind(
        "bias_audit_notes",
        "Bias audit: what only people can say",
        "The bias audit tables of New York City",
        Q("tool", "The tool", "For which jobs and decisions is it used; since which day is it distributed?",
          "NYC Admin. Code 20-871(a)(2); 6 RCNY 5-303"),
        Q("source", "Source of the data", "Are these historical data of use or test data; why, and how were they got?",
          "6 RCNY 5-302, 5-303(a)"),
        Q("auditor", "Independence", "Who audits, and what makes them independent? The portal's own tables are none.",
          "6 RCNY 5-300"),
        Q("small", "Small categories", "Why are categories under 2 % left out of the ratios, if they are?",
          "6 RCNY 5-301(d)", needed=False),
    ),
)  # fmt: skip
