"""Who belongs to it, each with a session, some with a token."""

from apps.accounts import actions as people
from apps.accounts.models import Role, User
from portal.isolation.canaries.canary import ROLES, Canary, client


def members_of(canary: Canary, password: str) -> None:
    def person(name: str) -> User:
        email = f"{canary.word('email' + name)}@{canary.slug}.example"
        return User.objects.create(email=email, name=canary.word("name" + name), password=password)

    owner = person("owner")
    canary.members["owner"] = people.found(slug=canary.slug, name=canary.word("organization"), owner=owner)
    canary.clients["owner"] = client(owner)
    for name, role in (*((role, role) for role in ROLES[1:]), ("second", "reviewer"), ("partner", "owner")):
        someone = person(name)
        canary.enter()
        invitation, _secret = people.invite(email=someone.email, role=Role(role), by=canary.members["owner"])
        canary.members[name] = people.join(invitation, person=someone)
        canary.clients[name] = client(someone)
    for role in ROLES:
        member = canary.enter(role)
        _token, secret = people.create_token(name=canary.word("token"), scopes=["read"], by=member)
        canary.secrets[role] = secret
