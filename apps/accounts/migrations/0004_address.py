"""A person keeps the address an invitation proved: to colleagues and in the record it says who they are."""

from django.db import migrations

ADDRESS = """
create function accounts_user_address() returns trigger language plpgsql as $$
begin
    raise exception 'A person keeps the address they were invited by.' using errcode = 'restrict_violation';
end $$;
create trigger accounts_user_address before update of email on accounts_user for each row
    when (lower(new.email) <> lower(old.email)) execute function accounts_user_address();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_membership_walls")]
    operations = [migrations.RunSQL(ADDRESS, "drop function accounts_user_address() cascade;")]
