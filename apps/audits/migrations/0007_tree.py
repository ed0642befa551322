"""The record's walls anew: a Merkle tree in place of the linked chain, and personal words as salted commitments.

A record's leaf is the JSON text that `audits_leaf` makes of its columns, in the order below; `words` are event, role,
kind of thing, thing and project, and `utc` is the moment in UTC. Its digest is sha256(0x00 || leaf in UTF-8): the
leaf's hash of RFC 6962. `audits_node` keeps the root of every whole subtree from level 1 up, sha256(0x01 || left ||
right), so that a record costs one node more on average and a proof O(log n) reads. Number, moment, commitments, digest
and nodes are the database's own, given under a lock of the organization; a clock that goes back does not take the
moment back with it.

`names` says who: it is inserted as {place: [subject, text]} and kept as {place: commitment}, where a place is "by",
"on" or the path of a fact (".email") and the commitment is the SHA-256 of the subject's key (32 bytes) and the text.
Keys and texts lie in tables of their own and can be deleted; leaves and digests never change.

Records that are there already are converted: their names go under commitments, and every digest and node is made
anew."""

import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import WEB_ROLE, AppendOnly, Frozen, Tenant

LEAF = """
create or replace function audits_leaf(r audits_record) returns text language sql stable parallel safe as $$
    select '{"organization":' || r.organization_id || ',"seq":' || r.seq
        || ',"utc":' || to_json(r.at at time zone 'UTC')
        || ',"by":' || coalesce(r.by_id::text, 'null') || ',"by_token":' || coalesce(r.by_token::text, 'null')
        || ',"on":' || coalesce(r.on_id::text, 'null')
        || ',"words":' || array_to_json(array[r.event, r.by_role, r.on_type, r.thing, r.project])
        || ',"names":' || r.names || ',"facts":' || r.facts || '}'
$$;
"""

NAMES = f"""
create function audits_commit(of_organization bigint, of_subject text, said text) returns text
language plpgsql set search_path = public, pg_temp as $$
declare person bigint; salt bytea; committed text;
begin
    select id, key into person, salt from audits_personkey
     where organization_id = of_organization and subject = of_subject;
    if not found then
        salt := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
        insert into audits_personkey (organization_id, subject, key) values (of_organization, of_subject, salt)
            returning id into person;
    end if;
    committed := encode(sha256(salt || convert_to(said, 'UTF8')), 'hex');
    perform 1 from audits_opening where organization_id = of_organization and commitment = committed;
    if not found then
        insert into audits_opening (organization_id, person_id, commitment, text)
            values (of_organization, person, committed, said);
    end if;
    return committed;
end $$;
revoke all on function audits_commit(bigint, text, text) from public;

create function audits_opened(of_organization bigint, names jsonb) returns jsonb language sql stable as $$
    select coalesce(jsonb_object_agg(n.key, o.text), '{{}}')
      from jsonb_each_text(names) n
      join audits_opening o on o.organization_id = of_organization and o.commitment = n.value
$$;
grant execute on function audits_opened(bigint, jsonb) to {WEB_ROLE};

create function audits_personkey_goes() returns trigger language plpgsql as $$
begin
    if exists (select 1 from audits_legalhold h
                where h.organization_id = old.organization_id and h.released_at is null) then
        raise exception 'A legal hold is in force: nobody is erased.' using errcode = 'restrict_violation';
    elsif old.subject like 'person %' and exists (
        select 1 from accounts_membership m where m.organization_id = old.organization_id and m.is_active
           and m.user_id = split_part(old.subject, ' ', 2)::bigint) then
        raise exception 'Whoever is a member cannot be erased.' using errcode = 'restrict_violation';
    end if;
    return old;
end $$;
create trigger audits_personkey_goes before delete on audits_personkey
    for each row execute function audits_personkey_goes();
"""

TREE = f"""
create function audits_append() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    last_at timestamptz; last_digest bytea; last_seq bigint;
    place text; said jsonb; committed jsonb := '{{}}';
    hash bytea; sibling bytea; height smallint := 0; subtrees bigint;
begin
    perform pg_advisory_xact_lock(7265636, new.organization_id::int);
    select r.seq, r.at, r.digest into last_seq, last_at, last_digest from audits_record r
     where r.organization_id = new.organization_id order by r.seq desc limit 1;
    new.seq := coalesce(last_seq, 0) + 1;
    new.at := greatest(clock_timestamp(), last_at);
    for place, said in select key, value from jsonb_each(new.names) loop
        committed := committed || jsonb_build_object(
            place, audits_commit(new.organization_id, said ->> 0, said ->> 1));
    end loop;
    new.names := committed;
    new.digest := sha256('\\x00'::bytea || convert_to(audits_leaf(new), 'UTF8'));
    hash := new.digest;
    subtrees := new.seq;
    while subtrees & 1 = 0 loop  -- this leaf ends a whole subtree: join it with the one to its left
        if height = 0 then
            sibling := last_digest;
        else
            select n.hash into strict sibling from audits_node n
             where n.organization_id = new.organization_id and n.level = height and n.index = subtrees - 2;
        end if;
        hash := sha256('\\x01'::bytea || sibling || hash);
        height := height + 1;
        subtrees := subtrees / 2;
        insert into audits_node (organization_id, level, index, hash)
            values (new.organization_id, height, subtrees - 1, hash);
    end loop;
    return new;
end $$;
create trigger audits_append before insert on audits_record for each row execute function audits_append();
revoke all on function audits_append() from public;
revoke insert, update, delete on audits_node, audits_opening from {WEB_ROLE};
revoke insert, update on audits_personkey from {WEB_ROLE};

create function audits_root(of_organization bigint, of_size bigint) returns bytea
language plpgsql stable set search_path = public, pg_temp as $$
declare root bytea; part bytea;
begin
    if of_size = 0 then return sha256(''); end if;
    for height in 0..62 loop
        continue when (of_size >> height) & 1 = 0;
        if height = 0 then
            select digest into strict part from audits_record where organization_id = of_organization and seq = of_size;
        else
            select hash into strict part from audits_node
             where organization_id = of_organization and level = height and index = (of_size >> height) - 1;
        end if;
        root := case when root is null then part else sha256('\\x01'::bytea || part || root) end;
    end loop;
    return root;
end $$;
grant execute on function audits_root(bigint, bigint) to {WEB_ROLE};

create function audits_checkpoint_true() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if new.root is distinct from audits_root(new.organization_id, new.size) then
        raise exception 'A checkpoint says what the record says.' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
revoke all on function audits_checkpoint_true() from public;
create trigger audits_checkpoint_true before insert on audits_checkpoint
    for each row execute function audits_checkpoint_true();
"""

NO_CHAIN = """
drop function audits_link() cascade;
alter table audits_record disable trigger user;
"""

CONVERT = """
do $$ declare height smallint := 0; found bigint; begin
    if not exists (select 1 from audits_record) then return; end if;
    update audits_record r set names = names || jsonb_build_object(
        'by', audits_commit(organization_id, 'person ' || by_id, by_name)) where by_id is not null;
    update audits_record r set thing = '', names = names || jsonb_build_object(
        'on', audits_commit(r.organization_id, 'person ' || m.user_id, r.thing))
      from accounts_membership m where r.on_type = 'membership' and m.id = r.on_id;
    update audits_record set thing = '', names = names || jsonb_build_object(
        'on', audits_commit(organization_id, 'invitation ' || on_id, thing)) where on_type = 'invitation';
    update audits_record set facts = facts - 'email', names = names || jsonb_build_object(
        '.email', audits_commit(organization_id, 'invitation ' || on_id, facts ->> 'email'))
     where on_type = 'invitation' and facts ? 'email';
    update audits_record set facts = facts - '{before,after}'::text[], names = names || jsonb_build_object(
        '.before', audits_commit(organization_id, 'person ' || by_id, facts ->> 'before'),
        '.after', audits_commit(organization_id, 'person ' || by_id, facts ->> 'after'))
     where event = 'member.renamed';
    update audits_record r set digest = sha256('\\x00'::bytea || convert_to(audits_leaf(r), 'UTF8'));
    insert into audits_node (organization_id, level, index, hash)
        select l.organization_id, 1, l.seq / 2, sha256('\\x01'::bytea || l.digest || r.digest)
          from audits_record l join audits_record r on r.organization_id = l.organization_id and r.seq = l.seq + 1
         where l.seq % 2 = 1;
    get diagnostics found = row_count;
    while found > 0 loop
        height := height + 1;
        insert into audits_node (organization_id, level, index, hash)
            select l.organization_id, height + 1, l.index / 2, sha256('\\x01'::bytea || l.hash || r.hash)
              from audits_node l join audits_node r
                on r.organization_id = l.organization_id and r.level = l.level and r.index = l.index + 1
             where l.level = height and l.index % 2 = 0;
        get diagnostics found = row_count;
    end loop;
end $$;
"""


def table(name: str, *fields, constraint) -> migrations.CreateModel:
    number = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
    mine = ("organization_id", models.BigIntegerField())
    return migrations.CreateModel(
        name=name, fields=[("id", number), mine, *fields], options={"constraints": [constraint]}
    )


def once(name: str, *fields: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=["organization_id", *fields], name=name)


class Migration(migrations.Migration):
    dependencies = [("audits", "0006_reading")]
    operations = [
        migrations.RunSQL(NO_CHAIN, migrations.RunSQL.noop),
        migrations.RenameField("record", "on_name", "thing"),
        migrations.AddField("record", "names", models.JSONField(default=dict)),
        table(
            "PersonKey",
            ("subject", models.CharField(max_length=40)),
            ("key", models.BinaryField()),
            constraint=once("audits_personkey_subject", "subject"),
        ),
        table(
            "Opening",
            (
                "person",
                models.ForeignKey("audits.PersonKey", models.DO_NOTHING, related_name="openings", db_constraint=False),
            ),
            ("commitment", models.CharField(max_length=64)),
            ("text", models.TextField()),
            constraint=once("audits_opening_once", "commitment"),
        ),
        table(
            "Node",
            ("level", models.SmallIntegerField()),
            ("index", models.BigIntegerField()),
            ("hash", models.BinaryField()),
            constraint=once("audits_node_place", "level", "index"),
        ),
        table(
            "Checkpoint",
            ("size", models.BigIntegerField()),
            ("root", models.BinaryField()),
            ("note", models.TextField()),
            ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
            constraint=once("audits_checkpoint_size", "size"),
        ),
        migrations.RunSQL(
            "alter table audits_opening add constraint audits_opening_person"
            " foreign key (person_id) references audits_personkey (id) on delete cascade;",
            "alter table audits_opening drop constraint audits_opening_person;",
        ),
        migrations.RunSQL(LEAF + NAMES, "drop function audits_opened; drop function audits_commit;"),
        migrations.RunSQL(CONVERT, migrations.RunSQL.noop),
        migrations.RemoveField("record", "by_name"),
        migrations.RemoveField("record", "previous"),
        migrations.RunSQL(TREE, "drop function audits_append cascade;"),
        migrations.RunSQL("alter table audits_record enable trigger user;", migrations.RunSQL.noop),
        *(Tenant(f"audits_{name}") for name in ("personkey", "opening", "node", "checkpoint")),
        Frozen("audits_personkey", when="tg_op = 'UPDATE'", what="The key of a person"),
        Frozen("audits_opening", when="tg_op = 'UPDATE'", what="What a person is called"),
        AppendOnly("audits_node", what="A node of the record''s tree"),
        AppendOnly("audits_checkpoint", what="A checkpoint"),
    ]
