"""The two packages that share the import name ``asterisk`` live together."""

from importlib.metadata import distribution

import pytest


def test_agi_and_ami_can_both_be_imported() -> None:
    from asterisk.agi import AGI
    from asterisk.ami import AMIClient

    assert callable(AGI)
    assert callable(AMIClient)


@pytest.mark.parametrize("name", ["pyst2", "asterisk-ami"])
def test_no_file_of_one_package_was_overwritten_by_the_other(name: str) -> None:
    recorded = distribution(name).files or []
    modules = [f for f in recorded if f.suffix == ".py" and f.name != "__init__.py"]
    assert modules
    for file in modules:
        content = file.read_binary()
        assert content, f"{file} is empty"
        if file.size is not None:
            assert len(content) == file.size, f"{file} is not the file that {name} installed"
