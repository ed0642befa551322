"""Which test proves which rule of the workflow requirements (WF-…), in a file for each chapter.

Each file holds `PROVED`, {rule: (test, …)} with a test as `room/test_file.py::test_name` under `tests/`; `OTHERWISE`,
{rule: sentence} for a rule, or a part of one, that was decided against, with what holds instead and why; and `OPEN`,
the rules that nothing proves yet."""
