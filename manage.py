#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["permit"]:  # asked where there is no portal: without settings, without a database
        from apps.deployments.offline import main

        sys.exit(main(sys.argv[2:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line

    from apps.common.origin import COMMAND, coming_from

    with coming_from(COMMAND, command=" ".join(sys.argv[1:2])):
        execute_from_command_line(sys.argv)
