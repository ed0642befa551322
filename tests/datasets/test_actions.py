"""Data comes in whole or not at all, is declared once, and every step leaves its record."""

import errno
import hashlib
import json
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DatabaseError, OperationalError, connection, transaction

from apps.audits.models import Record
from apps.common import storage
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.datasets import actions, queries
from apps.datasets.models import Dataset, DatasetVersion, Profile
from tests.datasets import make


def stored_files(organization) -> set[str]:
    root = Path(default_storage.path(str(organization.pk)))
    return {path.name for path in root.rglob("*") if path.is_file()}


def events(organization):
    return list(Record.objects.filter(organization_id=organization.pk).order_by("seq").values_list("event", flat=True))


def nothing_was_kept(acme):
    return not DatasetVersion.objects.exists() and not Profile.objects.exists() and not stored_files(acme.organization)


# Upload


def test_an_upload_keeps_exact_bytes_and_says_how_they_are_written(acme):
    version = make.version(acme.builder, acme.project)
    assert version.digest == hashlib.sha256(make.TABLE).hexdigest()
    assert storage.read(acme.organization.pk, version.digest) == make.TABLE
    assert (version.rows, version.columns) == (4, ["age", "sex", "income", "approve"])
    assert (version.format, version.encoding, version.delimiter, version.quote) == ("csv", "utf-8", ",", '"')
    assert (version.number, str(version), version.size) == (1, "loans v1", len(make.TABLE))
    assert version.profiles.get().state == "queued"
    record = Record.objects.filter(event="dataset.added").get()
    assert (record.on_id, record.facts["digest"], record.facts["rows"]) == (version.pk, version.digest, 4)


def test_parquet_is_kept_too(acme):
    import io

    import polars as pl

    content = io.BytesIO()
    pl.read_csv(make.TABLE).write_parquet(content)
    version = make.version(acme.builder, acme.project, content.getvalue(), filename="loans.parquet")
    assert (version.format, version.rows, version.encoding) == ("parquet", 4, "")


def test_the_same_name_makes_the_next_version(acme):
    first = make.version(acme.builder, acme.project)
    second = make.version(acme.builder, acme.project, make.TABLE + b"30,F,1,1\n", name="  loans ")
    assert (second.dataset, second.number) == (first.dataset, 2)
    assert Dataset.objects.count() == 1


def test_the_same_bytes_twice_are_one_version(acme):
    first = make.version(acme.builder, acme.project)
    with pytest.raises(ActionDenied, match="are loans v1 already"):
        make.version(acme.builder, acme.project)
    assert stored_files(acme.organization) == {first.digest}
    actions.withdraw(first, reason="declared wrongly", by=acme.builder)
    assert make.version(acme.builder, acme.project).number == 2


def test_chosen_settings_win_over_found_ones(acme):
    content = "name;note\nZoë;a,b\n".encode("cp1252")
    with make.incoming(content) as file:
        version = actions.upload(
            acme.project, name="x", file=file, by=acme.builder, encoding="cp1252", delimiter=";", quote=""
        )
    assert (version.encoding, version.delimiter, version.quote, version.columns) == (
        "cp1252",
        ";",
        "",
        ["name", "note"],
    )


BAD = {
    "empty": (b"", "is empty"),
    "header only": (b"a,b\n", "no data"),
    "ragged": (b"a,b\n1,2\n3\n", "Row 3 has 1 fields"),
    "ZIP": (b"PK\x03\x04rest", "ZIP archive"),
    "PDF": (b"%PDF-1.7\n", "PDF document"),
    "duplicate names": (b"a,a\n1,2\n", "Columns 1 and 2 are both called “a”"),
    "blank names": (b"a,\n1,2\n", "Column 2 has no name"),
    "NUL": (b"a,b\n1,\x00\n", "Line 2 holds a NUL byte"),
    "long line": (b"a,b\n" + b"x" * (2 << 20) + b",1\n", "Line 2 is longer"),
    "50,000 columns": (b",".join(b"c%d" % n for n in range(50_000)) + b"\n1\n", "50,000 columns"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_table_is_refused_and_nothing_is_kept(acme, case):
    content, words = BAD[case]
    with pytest.raises(BadInput) as caught:
        make.version(acme.builder, acme.project, content)
    assert words in caught.value.problems["file"]
    assert nothing_was_kept(acme)


def test_the_wrong_encoding_is_refused_with_the_byte(acme):
    content = "a,b\nß,1\n".encode("cp1252")
    with make.incoming(content) as file, pytest.raises(BadInput, match="Byte 4 in line 2"):
        actions.upload(acme.project, name="x", file=file, by=acme.builder, encoding="utf-8")
    assert nothing_was_kept(acme)


def test_a_file_beyond_the_limit_is_refused(acme, settings):
    settings.UPLOAD_LIMIT = 10
    with pytest.raises(BadInput, match="at most 10"):
        make.version(acme.builder, acme.project)
    assert nothing_was_kept(acme)


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_data_needs_a_name(acme, name):
    with pytest.raises(BadInput) as caught:
        make.version(acme.builder, acme.project, name=name)
    assert "name" in caught.value.problems
    assert nothing_was_kept(acme)


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor"])
def test_others_may_not_upload(acme, role):
    with pytest.raises(NotPermitted):
        make.version(acme.members[role], acme.project)
    assert nothing_was_kept(acme)


def test_a_full_disk_is_said_and_leaves_nothing(acme, monkeypatch):
    def full(self, name, content):
        Path(self.path(name)).parent.mkdir(parents=True, exist_ok=True)
        Path(self.path(name)).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    with pytest.raises(ActionDenied, match="No space left on device"), transaction.atomic():
        make.version(acme.builder, acme.project)
    monkeypatch.undo()
    assert nothing_was_kept(acme)


def test_a_database_lost_at_the_last_step_leaves_no_file(acme, monkeypatch):
    def gone(*args, **facts):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(actions, "record", gone)
    with pytest.raises(OperationalError), transaction.atomic():
        make.version(acme.builder, acme.project)
    assert nothing_was_kept(acme)


def test_a_failed_upload_leaves_bytes_that_others_name(acme, monkeypatch):
    kept = make.version(acme.builder, acme.project)
    monkeypatch.setattr(actions, "record", lambda *args, **facts: (_ for _ in ()).throw(OperationalError("gone")))
    with pytest.raises(OperationalError), transaction.atomic():
        make.version(acme.builder, acme.project, name="again")
    assert stored_files(acme.organization) == {kept.digest}


# Declare


def test_a_declaration_is_kept_in_canonical_form_and_profiled(acme):
    version = make.version(acme.builder, acme.project, declaration=make.SAID)
    assert version.declaration["sensitive"][1]["cuts"] == [25.0, 60.0]
    assert version.declaration_digest == digest(version.declaration)
    assert version.declared_by == acme.builder
    assert list(version.profiles.order_by("pk").values_list("declared", flat=True)) == [False, True]
    record = Record.objects.filter(event="dataset.declared").get()
    assert (record.facts["target"], record.facts["sensitive"]) == ("approve", ["sex", "age"])


def test_it_is_declared_once(acme):
    version = make.version(acme.builder, acme.project, declaration=make.SAID)
    with pytest.raises(ActionDenied, match="never changes"):
        actions.declare(version, declaration=make.SAID, by=acme.builder)
    assert events(acme.organization).count("dataset.declared") == 1


def test_a_bad_declaration_changes_nothing(acme):
    version = make.version(acme.builder, acme.project)
    with pytest.raises(BadInput) as caught:
        actions.declare(version, declaration=make.SAID | {"target": "gone", "favourable": ""}, by=acme.builder)
    assert set(caught.value.problems) == {"target", "favourable"}
    version.refresh_from_db()
    assert version.declaration is None and version.profiles.count() == 1


def test_a_finished_profile_tells_what_the_declaration_gets_wrong(acme):
    version = make.version(acme.builder, acme.project)
    make.profiled(version)
    with pytest.raises(BadInput, match="never has the value “yes”"):
        actions.declare(version, declaration=make.SAID | {"favourable": "yes"}, by=acme.builder)


@pytest.mark.parametrize(
    "statement",
    [
        "update datasets_datasetversion set digest = 'x' where id = %s",
        "update datasets_datasetversion set declaration = '{}' where id = %s",
        "update datasets_datasetversion set rows = 1 where id = %s",
        "update datasets_datasetversion set declaration = null where id = %s",
        "delete from datasets_datasetversion where id = %s",
    ],
)
def test_a_declared_version_withstands_plain_sql(acme, statement):
    version = make.version(acme.builder, acme.project, declaration=make.SAID)
    with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [version.pk])
    version.refresh_from_db()
    assert version.declaration["target"] == "approve"


@pytest.mark.parametrize(
    "statement",
    [
        "update datasets_datasetversion set digest = 'x' where id = %s",
        "update datasets_datasetversion set columns = '[]' where id = %s",
        "update datasets_datasetversion set uploaded_by_id = declared_by_id where id = %s",
        "update datasets_datasetversion set organization_id = 0 where id = %s",
        "delete from datasets_datasetversion where id = %s",
    ],
)
def test_the_bytes_of_a_version_withstand_plain_sql_before_it_is_declared(acme, statement):
    version = make.version(acme.builder, acme.project)
    with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [version.pk])


# Profile


def test_a_worker_writes_the_profile_of_real_data(acme):
    version = make.version(acme.builder, acme.project, make.loans(), declaration=make.LOANS_SAID)
    profile = make.profiled(version)
    assert profile.state == "finished", profile.problem
    result = json.loads(profile.result)
    assert (result["rows"], result["declared"]) == (1989, True)
    assert profile.digest == hashlib.sha256(profile.result.encode()).hexdigest()
    race = result["balance"]["by"][0]["groups"]
    assert {group["group"]: group["n"] for group in race} == {"Black": 197, "Hispanic": 111, "White": 1681}
    assert events(acme.organization)[-1] == "dataset.profiled"
    assert queries.facts_by_column(version)["term"]["missing"] == 4


def test_a_profile_that_cannot_be_made_says_why_and_can_be_asked_for_again(acme):
    version = make.version(acme.builder, acme.project)
    storage.forget(acme.organization.pk, version.digest)
    profile = make.profiled(version)
    assert profile.state == "failed" and profile.problem
    assert events(acme.organization)[-1] == "dataset.profile-failed"
    storage.put(acme.organization.pk, make.TABLE)
    assert actions.profile_again(version, by=acme.builder).pk != profile.pk
    assert make.profiled(version).state == "finished"
    with pytest.raises(ActionDenied, match="finished"):
        actions.profile_again(version, by=acme.builder)


def test_damaged_bytes_are_not_profiled(acme):
    version = make.version(acme.builder, acme.project)
    Path(default_storage.path(f"{acme.organization.pk}/{version.digest[:2]}/{version.digest}")).write_bytes(
        b"a,b\n1,2\n"
    )
    assert "does not have the bytes" in make.profiled(version).problem


def test_a_declaration_the_data_cannot_bear_fails_the_profile_in_a_sentence(acme):
    said = make.SAID | {"sensitive": [{"name": "race", "kind": "flags", "flags": [["age", "Old"]], "otherwise": "x"}]}
    version = make.version(acme.builder, acme.project, declaration=said)
    assert "declared as a flag but holds “23” in row 4" in make.profiled(version).problem


@pytest.mark.parametrize("statement", ["update datasets_profile set result = '{}'", "delete from datasets_profile"])
def test_a_finished_profile_withstands_plain_sql(acme, statement):
    make.profiled(make.version(acme.builder, acme.project))
    with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


# Withdraw, take away, charge


def test_withdrawing_keeps_the_bytes_and_the_reason(acme):
    version = make.version(acme.builder, acme.project, declaration=make.SAID)
    actions.withdraw(version, reason=" consent was withdrawn ", by=acme.owner)
    version.refresh_from_db()
    assert (version.withdrawn_by, version.withdrawn_reason) == (acme.owner, "consent was withdrawn")
    assert storage.read(acme.organization.pk, version.digest) == make.TABLE
    assert not queries.usable(viewer=acme.builder, project=acme.project).exists()
    with pytest.raises(ActionDenied, match="already"):
        actions.withdraw(version, reason="again", by=acme.owner)
    with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update datasets_datasetversion set withdrawn_at = null, withdrawn_reason = ''")
    assert events(acme.organization)[-2:] == ["dataset.withdrawn", "action.refused"]


def test_withdrawing_needs_a_reason(acme):
    version = make.version(acme.builder, acme.project)
    with pytest.raises(BadInput, match="Say why"):
        actions.withdraw(version, reason="  ", by=acme.builder)


def test_a_download_is_a_record(acme):
    version = make.version(acme.builder, acme.project)
    actions.take_away(version, by=acme.builder)
    record = Record.objects.filter(event="dataset.downloaded").get()
    assert (record.by_id, record.facts["digest"]) == (acme.builder.user_id, version.digest)
    with pytest.raises(NotPermitted):
        actions.take_away(version, by=acme.auditor)


def test_privacy_spent_adds_up_and_never_shrinks(acme):
    version = make.version(acme.builder, acme.project, declaration=make.SAID)
    for run, epsilon in ((1, 1.5), (2, 0.5)):
        actions.charge(version, run_id=run, epsilon=epsilon, delta=1e-5, mechanism={"noise": 1.1}, by=acme.builder)
    spent = queries.spent(viewer=acme.builder, dataset=version.dataset)
    assert (spent["epsilon"], spent["entries"]) == (2.0, 2)
    assert spent["delta"] == pytest.approx(2e-5)
    assert events(acme.organization)[-2:] == ["budget.charged"] * 2
    for statement in ("update datasets_budgetentry set epsilon = 0", "delete from datasets_budgetentry"):
        with pytest.raises(DatabaseError, match=r"denied|cannot be changed"), transaction.atomic():
            connection.cursor().execute(statement)
    assert queries.spent(viewer=acme.builder, dataset=version.dataset)["epsilon"] == 2.0
