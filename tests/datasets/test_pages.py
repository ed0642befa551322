"""People's door: what is typed is kept, what is refused is said, a stranger finds nothing."""

import errno
import hashlib
import html
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadhandler import TemporaryFileUploadHandler

from apps.audits.models import Record
from apps.datasets import actions
from apps.datasets.models import DatasetVersion
from tests.datasets import make
from tests.datasets.test_actions import BAD

LIST = "/acme/lending/datasets/"
NEW = f"{LIST}new/"


@pytest.fixture
def builder(client, acme):
    client.force_login(acme.builder.user)
    return client


def address(version, part=""):
    return f"{LIST}{version.pk}/{part}"


def upload(client, content=make.TABLE, filename="loans.csv", **typed):
    return client.post(NEW, {"name": "loans", "quote": "find", "file": make.sent(content, filename)} | typed)


def declared_form(version, **changed):
    roles = {f"role_{place}": "input" for place in range(len(version.columns))}
    return {"target": "approve", "favourable": "1", "missing": "", **roles} | changed


def nothing_is_stored(acme):
    acme.enter()
    root = Path(default_storage.path(str(acme.organization.pk)))
    return not DatasetVersion.objects.exists() and not [path for path in root.rglob("*") if path.is_file()]


# Upload


def test_an_upload_leads_to_its_page_with_its_digest(builder, acme):
    response = upload(builder)
    assert response.status_code == 303
    page = builder.get(response.headers["Location"])
    text = page.content.decode()
    assert hashlib.sha256(make.TABLE).hexdigest() in text
    assert "4 rows, 4 columns" in text and "Say what the columns mean" in text
    assert "It waits for a worker" in text
    assert "loans v1" in builder.get(LIST).content.decode()


@pytest.mark.parametrize("case", BAD)
def test_a_refused_file_is_explained_and_what_was_typed_is_kept(builder, acme, case):
    content, words = BAD[case]
    response = upload(builder, content, name="My loans", encoding="cp1252", delimiter=",")
    text = html.unescape(response.content.decode())
    assert response.status_code == 400
    assert words in text
    assert 'value="My loans"' in text
    assert '<option value="cp1252" selected>' in text and '<option value="," selected>' in text
    assert nothing_is_stored(acme)


def test_a_tab_can_be_chosen(builder, acme):
    response = upload(builder, b"a b\tc\n1 x\t2\n", delimiter="\t")
    assert response.status_code == 303
    acme.enter()
    assert DatasetVersion.objects.get().columns == ["a b", "c"]


def test_nothing_chosen_is_asked_for(builder, acme):
    response = builder.post(NEW, {"name": "", "quote": "find"})
    assert response.status_code == 400
    assert response.content.decode().count("This field is required.") == 2


def test_a_disk_that_fills_up_on_the_way_is_said_and_leaves_nothing(builder, acme, monkeypatch, settings):
    def full(self, raw_data, start):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", full)
    response = upload(builder, name="My loans")
    text = response.content.decode()
    assert response.status_code == 400
    assert "No space left on device" in text and 'value="My loans"' in text
    assert nothing_is_stored(acme)
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"))


def test_more_than_the_limit_is_dropped_on_the_way(builder, acme, settings):
    settings.UPLOAD_LIMIT = 20
    response = upload(builder, name="My loans")
    assert response.status_code == 400
    assert "larger than the 20" in response.content.decode()
    assert nothing_is_stored(acme)


def test_the_same_bytes_again_get_a_clear_answer(builder, acme):
    upload(builder)
    response = upload(builder)
    assert response.status_code == 400
    assert "These exact bytes are loans v1 already" in response.content.decode()


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor"])
def test_others_see_the_reason_and_cannot_upload(client, acme, role):
    client.force_login(acme.members[role].user)
    assert "Only builders of this organization upload data" in client.get(NEW).content.decode()
    assert upload(client).status_code == 400
    assert nothing_is_stored(acme)


# Declare


def test_the_page_suggests_what_the_profile_found(builder, acme):
    version = make.version(acme.builder, acme.project, make.loans())
    make.profiled(version)
    text = builder.get(address(version, "declaration/")).content.decode()
    assert "review" in text and "999 in review" in text
    assert "never varies" in text  # msa
    assert text.count("sounds sensitive") >= 4  # married, male, black, hispan…
    part = builder.get(address(version, "declaration/?target=approve"), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and "(1,745)" in part


def test_roles_ranges_and_flags_become_a_declaration(builder, acme):
    version = make.version(acme.builder, acme.project, make.loans())
    place = {name: place for place, name in enumerate(version.columns)}
    typed = declared_form(
        version,
        **{
            f"role_{place['male']}": "sensitive",
            f"role_{place['unem']}": "sensitive",
            f"cuts_{place['unem']}": "3; 5.5",
        },
        **{f"role_{place[name]}": "left_out" for name in ("action", "reject", "typur")},
        missing="999999.4\n666\n\n999",
        combined_0="race",
        otherwise_0="White",
        flag_0_0="black",
        label_0_0="Black",
        flag_0_1="hispan",
        label_0_1="Hispanic",
    )
    response = builder.post(address(version, "declaration/"), typed)
    assert response.status_code == 303, response.content.decode()
    acme.enter()
    version.refresh_from_db()
    said = version.declaration
    assert said["missing"] == ["999999.4", "666", "999"]
    assert said["left_out"] == ["action", "typur", "reject"]
    assert [one["name"] for one in said["sensitive"]] == ["unem", "male", "race"]
    assert said["sensitive"][0]["cuts"] == [3.0, 5.5]
    assert said["sensitive"][2] | {"column": None, "cuts": []} == {
        "name": "race", "kind": "flags", "column": None, "cuts": [],
        "flags": [["black", "Black"], ["hispan", "Hispanic"]], "otherwise": "White",
    }  # fmt: skip
    make.profiled(version)
    text = builder.get(address(version)).content.decode()
    assert "gives away the target" not in text  # they were left out
    assert "race: Black (black), Hispanic (hispan), otherwise White" in text
    assert "Favourable outcomes by race" in text


def test_a_wrong_declaration_keeps_what_was_typed(builder, acme):
    version = make.version(acme.builder, acme.project)
    make.profiled(version)
    typed = declared_form(version, favourable="yes", role_0="sensitive", cuts_0="25, x", missing="999\n?")
    response = builder.post(address(version, "declaration/"), typed)
    text = response.content.decode()
    assert response.status_code == 400
    assert "cut at numbers, such as 25, 60" in text
    assert 'value="25, x"' in text and 'value="yes"' in text and "999\n?" in text
    response = builder.post(address(version, "declaration/"), typed | {"cuts_0": "25"})
    assert "never has the value “yes”" in response.content.decode()
    acme.enter()
    version.refresh_from_db()
    assert version.declaration is None


def test_a_stale_page_gets_a_clear_answer(builder, acme):
    version = make.version(acme.builder, acme.project, declaration=make.SAID)
    response = builder.post(address(version, "declaration/"), declared_form(version))
    assert response.status_code == 400
    assert "a declaration never changes" in response.content.decode()


# The version's page


def test_the_profile_shows_findings_charts_and_the_table_behind(builder, acme):
    said = make.LOANS_SAID | {"left_out": []}
    version = make.version(acme.builder, acme.project, make.loans(), declaration=said)
    make.profiled(version)
    text = builder.get(address(version)).content.decode()
    assert "“typur” gives away the target “approve”" in text
    assert text.count("<figure") >= 6
    assert text.count("The same as a table") == text.count("<figure")
    opened = builder.get(address(version, "?column=loanamt")).content.decode()
    assert "Values of loanamt" in opened and "quantile 0.25" in opened


def test_a_profile_under_way_is_polled_and_a_failed_one_explained(builder, acme):
    version = make.version(acme.builder, acme.project)
    part = builder.get(address(version), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and "It waits for a worker" in part and 'hx-trigger="every 2s"' in part
    acme.enter()
    default_storage.delete(f"{acme.organization.pk}/{version.digest[:2]}/{version.digest}")
    make.profiled(version)
    assert "The profile could not be made." in builder.get(address(version)).content.decode()
    assert builder.post(address(version, "profile/")).status_code == 303
    acme.enter()
    assert version.profiles.count() == 2


def test_column_names_cannot_smuggle_markup(builder, acme):
    content = b'a,"<script>alert(1)</script>"\n1,"<b>x</b>"\n2,y\n'
    version = make.version(acme.builder, acme.project, content)
    make.profiled(version)
    for part in ("", "declaration/", "?column=%3Cscript%3Ealert(1)%3C/script%3E"):
        text = builder.get(address(version, part)).content.decode()
        assert "<script>alert" not in text and "<b>x</b>" not in text


def test_the_exact_bytes_are_downloaded_and_remembered(builder, acme):
    version = make.version(acme.builder, acme.project)
    response = builder.get(address(version, "file/"))
    assert b"".join(response.streaming_content) == make.TABLE
    assert 'filename="loans.csv"' in response.headers["Content-Disposition"]
    assert response.headers["ETag"] == f'"{version.digest}"'
    acme.enter()
    assert Record.objects.filter(event="dataset.downloaded").count() == 1


def test_an_auditor_reads_but_does_not_download(client, acme):
    version = make.version(acme.builder, acme.project)
    client.force_login(acme.auditor.user)
    text = client.get(address(version)).content.decode()
    assert "Only builders of this organization download data" in text
    assert client.get(address(version, "file/")).status_code == 303
    acme.enter()
    assert not Record.objects.filter(event="dataset.downloaded").exists()


def test_withdrawing_asks_first_and_tells_after(builder, acme):
    version = make.version(acme.builder, acme.project, declaration=make.SAID)
    assert "cannot be undone" in builder.get(address(version, "withdrawal/")).content.decode()
    assert builder.post(address(version, "withdrawal/"), {"reason": ""}).status_code == 400
    assert builder.post(address(version, "withdrawal/"), {"reason": "No consent."}).status_code == 303
    assert "It is withdrawn: No consent." in builder.get(address(version)).content.decode()


def test_the_ledger_of_privacy_is_shown(builder, acme):
    version = make.version(acme.builder, acme.project, declaration=make.SAID)
    actions.charge(version, run_id=7, epsilon=1.25, delta=1e-5, mechanism={}, note="cancelled after 3 epochs")
    text = builder.get(address(version)).content.decode()
    assert "1.25" in text and "cancelled after 3 epochs" in text


def test_a_rival_finds_nothing_anywhere(client, acme, rival):
    version = make.version(acme.builder, acme.project)
    client.force_login(rival.builder.user)
    for part in ("", "declaration/", "file/", "withdrawal/"):
        assert client.get(address(version, part)).status_code == 404
        assert client.get(f"/rival/lending/datasets/{version.pk}/{part}").status_code == 404
    for part in ("declaration/", "profile/", "withdrawal/"):
        assert client.post(f"/rival/lending/datasets/{version.pk}/{part}", {"reason": "x"}).status_code == 404


@pytest.mark.parametrize("where", [LIST, "/acme/lending/"], ids=["list", "project"])
def test_a_line_tells_rows_columns_and_whether_it_is_declared(builder, acme, where):
    version = make.version(acme.builder, acme.project)
    fresh = builder.get(where).content.decode()
    assert 'data-label="Rows">4<' in fresh.replace(' class="number"', "")
    assert 'data-label="Columns">4<' in fresh.replace(' class="number"', "")
    assert "not declared" in fresh or "not yet" in fresh
    actions.declare(version, declaration=make.SAID, by=acme.builder)
    declared = builder.get(where).content.decode()
    assert "not declared" not in declared and "not yet" not in declared


def test_pages_ask_the_database_the_same_however_much_there_is(builder, acme, django_assert_max_num_queries):
    make.version(acme.builder, acme.project)
    for number in range(12):
        make.version(acme.builder, acme.project, make.TABLE + b"1,F,1,%d\n" % (number % 2) * (number + 1))
    with django_assert_max_num_queries(15):
        builder.get(LIST)
    version = DatasetVersion.objects.order_by("pk").first()
    with django_assert_max_num_queries(15):
        builder.get(address(version))
