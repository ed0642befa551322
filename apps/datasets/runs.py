"""On a worker: read the exact bytes of a version and say what they hold."""

from apps.common import storage, work
from apps.common.errors import WorkProblem
from apps.common.storage import DamagedFile
from apps.common.tenancy import as_organization
from apps.datasets import actions
from apps.datasets.models import Profile
from apps.ml.profile import profile as profiled
from apps.ml.tables import Declaration, TableProblem


def run(organization_id: int, work_id: int) -> None:
    work.carry_out(Profile, organization_id, work_id, _measure, fail=actions.fail_profile)


def _measure(profile, pulse):
    with as_organization(profile.organization_id):
        profile = Profile.objects.select_related("version__dataset", "version__project").get(pk=profile.pk)
    version = profile.version
    declaration = Declaration.from_json(version.declaration) if profile.declared else None
    try:
        with storage.local_path(version.organization_id, version.digest) as path:
            result = profiled(
                path,
                format=version.format,
                encoding=version.encoding,
                delimiter=version.delimiter,
                quote=version.quote,
                declaration=declaration,
                on_progress=lambda share, doing: pulse.progress(share=share, doing=doing),
            )
    except (TableProblem, DamagedFile, FileNotFoundError) as problem:
        raise WorkProblem(str(problem)) from problem
    with as_organization(profile.organization_id):
        actions.keep_profile(profile, result)
