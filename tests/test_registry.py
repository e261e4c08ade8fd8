"""The registry: names without imports, lazy lookup, and plugins that fail alone."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest

from fastdiar import registry
from fastdiar.core.component import Component, Part
from fastdiar.core.errors import RegistryError
from fastdiar.core.structure import structure, unstructure

Install = Callable[..., Path]

BUILT_IN = [pytest.param(each.component.kind, each.name, id=f"{each.component.kind}-{each.name}") for each in registry.listed()]


@pytest.mark.parametrize(("kind", "name"), BUILT_IN)
def test_a_built_in_component_explains_and_takes_back_its_config(kind: str, name: str) -> None:
    pytest.importorskip("torch")
    config = registry.lookup(kind, name).config_class
    for field in attrs.fields(config):
        assert field.metadata.get("help"), f"{config.__name__}.{field.name} has no help"
    needed = [field for field in attrs.fields(config) if field.default is attrs.NOTHING]
    part = Part("text", SimpleNamespace(probability=0.5), object)
    instance = structure({field.name: {"one": part} if "kind" in field.metadata else "text" for field in needed}, config)
    if not any("kind" in field.metadata for field in needed):  # a recipe's reader alone knows what a part's table means
        assert structure(unstructure(instance), config) == instance
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        instance.anything = 1


def test_names_come_by_kind_and_built_in_ones_first(acme: Install) -> None:
    acme("good")
    names = registry.names("dataset")
    assert names[-1] == "acme/tones"
    assert names[:-1] == sorted(names[:-1])
    assert "librispeech" in names


def test_listing_imports_no_component(acme: Install) -> None:
    acme("good")
    assert "acme/tones" in registry.names("dataset")
    assert "acme_good" in sys.modules
    assert "acme_good.tones" not in sys.modules


def test_looking_a_name_up_imports_its_plugin_alone(acme: Install) -> None:
    acme("good", "crashing", "misspelt", "clashing", "wrong")
    assert registry.lookup("clustering", "acme/alone").__name__ == "Alone"
    assert {name for name in sys.modules if name.startswith("acme_")} == {"acme_good", "acme_good.alone"}
    assert registry.broken() == []


def test_looking_a_built_in_name_up_imports_no_plugin(acme: Install) -> None:
    acme("good", "crashing")
    registry.lookup("dataset", "librispeech")
    assert not [name for name in sys.modules if name.startswith("acme_")]


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        ("crashing", "RuntimeError: the licence server does not answer"),
        ("misspelt", "unknown hook 'fastdiar_component' (did you mean 'fastdiar_components'?)"),
        ("clashing", "claims the dataset 'tones' twice"),
        ("forgetful", "fastdiar_components gave None: expected a list of Component"),
        ("newer", "was made for version 2 of fastdiar's hook, and this is version 1: install a release of it that was made for"),
    ],
)
def test_a_broken_plugin_is_kept_with_its_reason_and_costs_only_itself(acme: Install, plugin: str, reason: str) -> None:
    acme("good", plugin)
    assert "acme/tones" in registry.names("dataset")
    (found,) = registry.broken()
    assert (found.name, found.origin) == (plugin, f"acme-{plugin} 0.1")
    assert reason in found.reason
    assert "\n" not in found.reason
    with pytest.raises(RegistryError, match=f"{plugin} is broken: .*{re.escape(reason)}.*from acme-{plugin} 0.1"):
        registry.lookup("dataset", f"{plugin}/tones")


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        (
            "dataset",
            "clustering",
            "acme_wrong:NoConfig is not of kind dataset: expected a subclass of fastdiar.core.dataset:Dataset",
        ),
        ("dataset", "half", "acme_wrong:Half is not a whole dataset: it lacks entries"),
        ("dataset", "nowhere", "AttributeError: module 'acme_wrong' has no attribute 'Nowhere'"),
        ("dataset", "elsewhere", "ModuleNotFoundError: No module named 'acme_wrong.module'; 'acme_wrong' is not a package"),
        ("clustering", "no_config", "acme_wrong:NoConfig has no config_class: expected a frozen attrs class"),
        ("clustering", "loose", "acme_wrong:Loose: config_class LooseConfig can be changed: expected @attrs.frozen"),
        (
            "clustering",
            "short",
            "acme_wrong:Short.__call__ cannot be called with (self, windows, min_speakers, max_speakers), as its kind is: "
            "too many positional arguments",
        ),
    ],
)
def test_a_component_that_breaks_its_interface_is_kept_as_broken(acme: Install, kind: str, name: str, reason: str) -> None:
    acme("good", "wrong")
    for _ in range(2):
        with pytest.raises(RegistryError, match=re.escape(f"{kind} wrong/{name} is broken: {reason}")):
            registry.lookup(kind, f"wrong/{name}")
    assert f"wrong/{name}" not in registry.names(kind)
    assert [(each.name, each.reason) for each in registry.broken()] == [(f"{kind} wrong/{name}", reason)]
    assert registry.lookup("clustering", "wrong/alone").__name__ == "Alone"


def test_a_library_that_is_not_installed_is_no_broken_plugin() -> None:
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom fastdiar import registry\n"
        "try:\n    registry.lookup('encoder', 'cnn')\nexcept registry.MissingExtra as error:\n    print(error)\n"
        "print(registry.broken())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    expected = "encoder 'cnn' needs a part that is not installed: pip install '.[train]' in fastdiar's checkout"
    assert done.stdout.splitlines() == [expected, "[]"]


def test_of_two_distributions_that_claim_one_plugin_name_neither_is_used(acme: Install) -> None:
    site = acme("good", "wrong")
    folder = site / "aaa-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: aaa\nVersion: 1\n", encoding="utf-8")
    (folder / "entry_points.txt").write_text("[fastdiar]\nacme = acme_wrong\n", encoding="utf-8")
    with pytest.raises(RegistryError, match=r"more than one distribution claims the plugin name 'acme'.*uninstall all but one"):
        registry.lookup("dataset", "acme/tones")
    assert registry.lookup("clustering", "wrong/alone").__name__ == "Alone"


@pytest.mark.parametrize(
    ("switch", "names"),
    [
        ("none", []),
        ("acme", ["acme/alone"]),
        ("wrong, acme", ["acme/alone", "wrong/alone", "wrong/loose", "wrong/no_config", "wrong/short"]),
    ],
)
def test_fastdiar_plugins_chooses_what_is_loaded(
    acme: Install, monkeypatch: pytest.MonkeyPatch, switch: str, names: list[str]
) -> None:
    monkeypatch.setenv("FASTDIAR_PLUGINS", switch)
    acme("good", "wrong", "crashing")
    assert [name for name in registry.names("clustering") if "/" in name] == names
    assert registry.broken() == []
    with pytest.raises(RegistryError, match="the plugin 'crashing' is switched off by FASTDIAR_PLUGINS"):
        registry.lookup("clustering", "crashing/alone")


def test_fastdiar_plugins_that_names_what_is_not_installed_says_so(acme: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTDIAR_PLUGINS", "acne")
    acme("good")
    assert [each.reason for each in registry.broken()] == ["named in FASTDIAR_PLUGINS, but not installed (did you mean 'acme'?)"]


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("dataset", "librispeach", "no dataset 'librispeach' (did you mean 'librispeech'?)"),
        ("dataset", "tones", "no dataset 'tones' (did you mean 'acme/tones'?)"),
        ("dataset", "acme/tone", "no dataset 'acme/tone' (did you mean 'acme/tones'?)"),
        ("dataset", "acne/tones", "no dataset 'acne/tones': no plugin 'acne' is installed (did you mean 'acme'?)"),
        ("dataset", "/librispeech", "no dataset '/librispeech' (did you mean 'librispeech'?)"),
        ("dataset", "os:system", "no dataset 'os:system': expected one of"),
        ("encoders", "cnn", "no kind 'encoders' (did you mean 'encoder'?): expected one of dataset, augmentation"),
    ],
)
def test_an_unknown_name_comes_with_the_nearest(acme: Install, kind: str, name: str, message: str) -> None:
    acme("good")
    with pytest.raises(RegistryError, match=f"^{re.escape(message)}"):
        registry.lookup(kind, name)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("encodr", "x", "a:B", "s"), "no kind 'encodr'"),
        (("encoder", "acme/x", "a:B", "s"), "without the plugin's name"),
        (("encoder", "x", "a.B", "s"), "expected 'package.module:Class'"),
        (("encoder", "x", "os; rm:B", "s"), "expected 'package.module:Class'"),
        (("encoder", "x", "a:B", " "), "expected one line"),
    ],
)
def test_a_component_record_is_checked(fields: tuple[str, str, str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Component(*fields)
