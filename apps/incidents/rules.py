"""When an incident is serious, who must be told by when, and who may do what about it. Objections are sentences."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apps.accounts.permissions import Permission, why_not
from apps.incidents.models import Duty, Notice, Purpose, Signature, Stage

QUESTIONS = {  # of Art. 3(49): the field, what it asks, where it stands
    "harm_to_people": ("Did a person die, or was their health seriously harmed?", "AI Act, Art. 3(49)(a)"),
    "critical_infrastructure": (
        "Was the running of critical infrastructure seriously and irreversibly disrupted?",
        "AI Act, Art. 3(49)(b)",
    ),
    "fundamental_rights": ("Were duties that protect fundamental rights broken?", "AI Act, Art. 3(49)(c)"),
    "harm_to_property": ("Were property or the environment seriously harmed?", "AI Act, Art. 3(49)(d)"),
}
MORE = {
    "death": ("Did a person die?", "AI Act, Art. 73(4)"),
    "widespread": ("Is it a widespread infringement: people in several Member States?", "AI Act, Art. 3(61), 73(3)"),
    "personal_data": (
        "Were personal data lost, changed, disclosed or accessed without right?",
        "GDPR, Art. 4(12), 33",
    ),
}
FLAGS = QUESTIONS | MORE
WORDS = {  # what is told in words, by field: the question, and how long the answer may be
    "source": ("How it became known", 500),
    "data_reported": ("What came with the report", 4000),
    "description": ("What happened", 8000),
    "impacts": ("What it did to whom or what", 4000),
    "stakeholders": ("Who is concerned", 4000),
}
SOONEST, DEATH, SERIOUS, BREACH = (timedelta(days=2), timedelta(days=10), timedelta(days=15), timedelta(hours=72))
ORDER = (Duty.PROVIDER, Duty.IMPORTER, Duty.AUTHORITY)  # of a deployer (AI Act, Art. 26(5))
STAGES = {
    Duty.PROVIDER: {Stage.INCOMPLETE, Stage.FINAL, Stage.UNREACHED},
    Duty.IMPORTER: {Stage.INCOMPLETE, Stage.FINAL, Stage.NEEDLESS},
    Duty.AUTHORITY: {Stage.INCOMPLETE, Stage.FINAL, Stage.NEEDLESS},
    Duty.PROTECTION: {Stage.INCOMPLETE, Stage.FINAL, Stage.NEEDLESS},
}
CONFIRMED_EVERY = timedelta(days=90)  # our choice: the cadence in which somebody looks through the register
AGAIN = timedelta(minutes=1)  # within which the same confirmation is the same click
CLOSING = {  # what a closing says
    "root_cause": "Root cause",
    "corrective_action": "Corrective action",
    "verification": "How it was verified",
    "hazards": "Hazards opened again",
}


def authority_limit(flags: Mapping[str, bool]) -> timedelta | None:
    """The outer limit for telling the market surveillance authority; None where nothing about it is serious.

    The rule is “at once”; of the limits that apply the earliest counts (AI Act, Art. 73(2)-(4))."""
    if flags["critical_infrastructure"] or flags["widespread"]:
        return SOONEST
    if flags["death"]:
        return DEATH
    return SERIOUS if any(flags[name] for name in QUESTIONS) else None


def due(flags: Mapping[str, bool], aware_at: datetime) -> dict[str, datetime | None]:
    """By when the two authorities must be told, counted from awareness."""
    limit = authority_limit(flags)
    return {
        "authority_due_at": aware_at + limit if limit else None,
        "protection_due_at": aware_at + BREACH if flags["personal_data"] else None,
    }


@dataclass(frozen=True)
class Clock:
    """One duty to tell, and how it stands."""

    duty: Duty
    due_at: datetime
    notices: tuple[Notice, ...]  # oldest first
    now: datetime
    at_once: bool = True  # the number is an outer limit

    @property
    def first(self) -> Notice | None:
        return self.notices[0] if self.notices else None

    @property
    def final(self) -> bool:
        """Whether nothing more is to be told."""
        return bool(self.notices) and self.notices[-1].stage != Stage.INCOMPLETE

    @property
    def late(self) -> bool:
        """Whether the first report came, or is now, after its time."""
        return (self.first.told_at if self.first else self.now) > self.due_at

    @property
    def overdue(self) -> bool:
        return self.first is None and self.late

    @property
    def status(self) -> str:
        if self.first is None:
            return "overdue" if self.late else "due"
        word = "told" if self.final else "incomplete"
        return f"{word}, late" if self.late else word

    @property
    def tone(self) -> str:
        """The colour of its stamp."""
        if self.overdue:
            return "fail"
        return "pass" if self.final and not self.late else "unsure"

    @property
    def left(self) -> timedelta:
        return self.due_at - self.now


def clocks(entry, notices: Iterable[Notice], now: datetime) -> list[Clock]:
    """The duties that the newest entry brings, in the order in which they are to be met. Whoever deploys another's
    system tells its provider first, then importer or distributor, then the authority, all within the latter's limit."""
    wanted = [
        (Duty.PROVIDER, entry.authority_due_at if entry.by_deployer else None),
        (Duty.IMPORTER, entry.authority_due_at if entry.by_deployer else None),
        (Duty.AUTHORITY, entry.authority_due_at),
        (Duty.PROTECTION, entry.protection_due_at),
    ]
    told = list(notices)
    return [
        Clock(duty, due_at, tuple(notice for notice in told if notice.duty == duty), now)
        for duty, due_at in wanted
        if due_at is not None
    ]


# --- what stands against a deed --------------------------------------------------------------------------------------


def problems(given: Mapping, before, now: datetime) -> dict[str, str]:
    """What stands against these facts, by name; `before`: the entry that they amend, if they do."""
    found = {
        name: f"{question}: say it; what is not known yet is said as not known."
        for name, (question, _) in WORDS.items()
        if not given[name].strip()
    }
    if given["death"] and not given["harm_to_people"]:
        found["harm_to_people"] = "A death is harm to a person: answer yes here too."
    if given["aware_at"] > now:
        found["aware_at"] = "Nobody can be aware of it in the future."
    elif given["occurred_at"] > given["aware_at"]:
        found["occurred_at"] = "It happened before anybody became aware of it."
    if before is not None and given["aware_at"] > before.aware_at:
        found["aware_at"] = "The clocks count from the earliest awareness that was stated: it does not move later."
    return found


def why_not_report(*, by) -> str | None:
    return why_not(by, Permission.INCIDENT_REPORT)


def why_not_twice(alike) -> str | None:
    """`alike`: what the same person reported before in exactly these words, if anything."""
    return f"You reported exactly this already: it is {alike}." if alike else None


def why_not_confirm(last, note: str, now: datetime, *, by) -> str | None:
    """`last`: when somebody last looked through the register."""
    if reason := why_not_report(by=by):
        return reason
    if last and (last.by_id, last.note) == (by.pk, note) and now - last.at < AGAIN:
        return "You confirmed it a moment ago."
    return None


def why_not_told_twice(clock: Clock, said: Mapping) -> str | None:
    """`said`: what is to be kept of a notice; `clock`: the duty that it meets."""
    last = clock.notices[-1] if clock.notices else None
    if last and all(getattr(last, name) == value for name, value in said.items()):
        return "Exactly this is kept already."
    return None


def why_not_amend(closing: Signature | None, *, by) -> str | None:
    """`closing`: the signature that closed it, if one did."""
    return why_not_report(by=by) or _why_over(closing)


def why_not_on(entry, shown: str) -> str | None:
    """`shown`: the digest of the entry that somebody had before them; `entry`: the newest."""
    if shown == entry.digest:
        return None
    return f"Entry {entry.number} counts by now, and it is not the one that you were shown: read it first."


def signing(incident, purpose: Purpose, entry_digest: str) -> dict[str, Any]:
    """What a signer's passkey is asked about."""
    return {"act": f"{purpose.value} of an incident", "incident": incident.pk, "entry": entry_digest}


def why_not_notify(clock: Clock | None, before: Iterable[Clock], closing: Signature | None, *, by) -> str | None:
    """`clock`: the duty that was met, None where the incident brings no such duty; `before`: those to be met first."""
    if reason := why_not_amend(closing, by=by):
        return reason
    if clock is None:
        return "What is known of this incident brings no such duty."
    if clock.final:
        return f"{_capital(clock.duty.label)} was told in full already, or need not be; nothing follows."
    if waits := next((other for other in before if other.first is None), None):
        return f"First {waits.duty.label} is told (AI Act, Art. 26(5)); say so, or that it could not be done."
    return None


def notice_problems(clock: Clock, stage: str, *, told_at: datetime, who: str, note: str, risk_class: str, aware_at,
                    now: datetime) -> dict[str, str]:  # fmt: skip
    """What stands against this notice, by name."""
    found = {}
    if stage not in STAGES[clock.duty]:
        found["stage"] = f"Of {clock.duty.label} this cannot be said."
    elif stage == Stage.NEEDLESS and clock.duty == Duty.AUTHORITY and risk_class == "high":
        found["stage"] = "A high-risk system's serious incidents are always told to the authority (AI Act, Art. 73(1))."
    elif clock.notices and stage in (Stage.UNREACHED, Stage.NEEDLESS):
        found["stage"] = "There is a report already; the final one follows it."
    if told_at > now:
        found["told_at"] = "That is in the future: say it when it is done."
    elif told_at < aware_at:
        found["told_at"] = "That is before anybody was aware of it."
    if not who.strip():
        found["who"] = "Say who was told."
    if not note.strip():
        if stage in (Stage.UNREACHED, Stage.NEEDLESS):
            found["note"] = "Give the reason: it stands in the pack."
        elif clock.first is None and told_at > clock.due_at:
            found["note"] = "It is late: say why (GDPR, Art. 33(1); AI Act, Art. 73)."
    return found


def why_not_suspend(standing: int, closing: Signature | None, *, by) -> str | None:
    """`standing`: how many sign-offs of its model versions stand; a serious incident takes them down by itself."""
    if reason := why_not(by, Permission.APPROVAL_SUSPEND):
        return reason
    if over := _why_over(closing):
        return over
    return None if standing else "No sign-off of its model versions stands, so that none is left to suspend."


def why_not_ask_release(hold, *, by) -> str | None:
    if reason := why_not(by, Permission.INCIDENT_RELEASE):
        return reason
    if hold is None:
        return "It keeps no evidence: nothing known of it is serious."
    if hold.released_at:
        return "Its evidence was released already."
    if hold.asked_by_id:
        return "Its release is asked for already; a second person grants it."
    return None


def why_not_release(hold, authority: Clock | None, *, by) -> str | None:
    """`authority`: the duty to tell the market surveillance authority, before which nothing is altered."""
    if reason := why_not(by, Permission.INCIDENT_RELEASE):
        return reason
    if hold is None or hold.released_at:
        return why_not_ask_release(hold, by=by)
    if authority and authority.first is None:
        return "The market surveillance authority is told before the system is altered (AI Act, Art. 73(6))."
    if hold.asked_by_id is None:
        return "Nobody has asked for its release; one asks, a second person grants it."
    if hold.asked_by_id == by.user_id:
        return "You asked for its release; a second person grants it."
    return None


def why_not_close(reporter: int, hold, running: Iterable[Clock], closing: Signature | None, *, by) -> str | None:
    """`reporter`: who reported it, as a person's id; `running`: its duties."""
    if reason := why_not(by, Permission.INCIDENT_CLOSE):
        return reason
    if over := _why_over(closing):
        return over
    if reporter == by.user_id:
        return "You reported it; somebody else closes it."
    if hold is not None and hold.released_at is None:
        return "Its evidence is still held: two people sign its release first."
    if waits := next((clock for clock in running if not clock.final), None):
        what = "has not been told" if waits.first is None else "has not been given the final report"
        return f"{_capital(waits.duty.label)} {what}."
    return None


def closing_problems(said: Mapping[str, str], assessment, reported_at: datetime, *, serious: bool) -> dict[str, str]:
    """`assessment`: the project's newest risk assessment that stands, if there is one."""
    found = {name: f"{label}: say it." for name, label in CLOSING.items() if not said[name].strip()}
    if serious and (assessment is None or assessment.stated_at < reported_at) and "hazards" not in found:
        found["hazards"] = (
            "State the project's impact assessment of risks anew, with the hazards that this opened again: "
            + ("there is none." if assessment is None else "the one that stands is older than this incident.")
        )
    return found


def why_not_download(*, by) -> str | None:
    return why_not(by, Permission.INCIDENT_DOWNLOAD)


def _why_over(closing: Signature | None) -> str | None:
    if closing is None:
        return None
    assert closing.purpose == Purpose.CLOSE
    return f"{closing.printed_name} closed it on {closing.signed_at:%-d %B %Y}; report what is new as another incident."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
