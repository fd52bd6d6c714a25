"""The page: whole in itself, readable without JavaScript, safe against awkward names."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm

pytestmark = pytest.mark.long

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Page(HTMLParser):
    """What the tests look at: tags, attributes, and text, with every tag closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.open, self.words = text, [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    def attributes(self, tag, name):
        return [attrs[name] for found, attrs in self.tags if found == tag and name in attrs]

    @property
    def said(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


def written(imputations, path, **options):
    return Page(imputations.report(path, progressbar=False, **options).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pooled(awkward):
    return awkward.fit("age ~ stage + treated", progressbar=False).pool()


@pytest.fixture(scope="module")
def page(awkward, pooled, tmp_path_factory):
    return written(awkward, tmp_path_factory.mktemp("page") / "report.html", pooled=pooled)


def test_nothing_outside_the_page_is_needed(page):
    sources = page.attributes("img", "src") + page.attributes("link", "href")
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert "@import" not in page.text
    assert "url(" not in page.text


def test_every_picture_says_what_it_shows(page):
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert all(len(image["alt"]) > 20 for image in images)
    assert all(int(image["width"]) > 100 for image in images)


def test_links_lead_somewhere(page):
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    targets = page.attributes("a", "href")
    assert "#pooled" in targets
    assert {target.removeprefix("#") for target in targets} <= ids


def test_names_are_shown_as_they_are(page):
    assert "a <b> & c (mmol/l)" in page.said
    assert "age at entry" in page.said
    assert ("b", {}) not in page.tags
    assert not [tag for tag, _ in page.tags if tag == "z"]


def test_what_matters_is_said(page, awkward):
    assert awkward.convergence().verdict in page.said
    for words in (
        "What was missing",
        "gamma regression, log link",
        "a <b> & c ~ 1 + age + stage + treated + site",
        "HalfCauchy",
        "ordinal logistic regression (proportional odds)",
        "Estimates pooled over 3 imputations",
        "treated[T.yes]",
        "random seed 2",
        "TARMOS",
    ):
        assert words in page.said


def test_every_imputed_column_has_a_panel_with_its_pictures(page, awkward):
    panels = [attrs["data-name"] for tag, attrs in page.tags if tag == "article"]
    assert panels == list(map(str, awkward.incomplete))
    alts = page.attributes("img", "alt")
    for name in panels:
        assert sum(f" of {name}" in alt for alt in alts) >= 2


def test_events_are_listed(page, awkward):
    assert len(awkward.events)
    for message in awkward.events["message"]:
        assert " ".join(message.split()) in page.said


def test_a_reopened_file_gives_the_same_page(awkward, page, pooled, tmp_path):
    awkward.to_netcdf(tmp_path / "run.nc")
    opened = bm.open_imputations(
        tmp_path / "run.nc", passive={"doubled": lambda d: 2 * d["a <b> & c"]}
    )
    again = written(opened, tmp_path / "again.html", pooled=pooled)
    assert again.said == page.said


def test_imputations_without_a_run_are_reported_without_sweeps(awkward, tmp_path):
    table = written(bm.from_long(awkward.long(include_original=True)), tmp_path / "table.html")
    assert "Nothing is recorded of the sweeps" in table.said
    assert "Nothing is recorded of the models" in table.said
    assert len(table.attributes("img", "src")) == 1 + len(awkward.incomplete)


def test_complete_data_are_reported_too(tmp_path):
    data = pd.DataFrame({"x": np.arange(9.0), "y": np.arange(9.0) ** 2})
    run = bm.MICE(data).mice(m=2, sweeps=4, random_seed=1, progressbar=False)
    assert "No cell of the data was missing" in written(run, tmp_path / "complete.html").said


def test_thirty_columns_take_less_than_five_megabytes(tmp_path):
    rng = np.random.default_rng(5)
    data = pd.DataFrame(rng.normal(size=(80, 30)), columns=[f"column {i}" for i in range(30)])
    data = data.mask(rng.random(data.shape) < 0.1)
    models = {name: bm.Regression("1") for name in data}
    run = bm.MICE(data, models).mice(m=20, sweeps=5, random_seed=1, progressbar=False)
    path = run.report(tmp_path / "wide.html", progressbar=False)
    assert path.stat().st_size < 5e6


def test_a_single_chain_has_no_picture_of_convergence(awkward_data, tmp_path):
    data = awkward_data[["age", "a <b> & c"]]
    run = bm.MICE(data).mice(m=1, sweeps=3, random_seed=1, progressbar=False)
    page = written(run, tmp_path / "single.html")
    assert run.convergence().verdict in page.said
    assert not any("R-hat" in alt for alt in page.attributes("img", "alt"))
    assert "Not checked: A check needs at least 25 draws" in page.said


def test_models_of_groups_are_checked_and_traced_apart(awkward_data, tmp_path):
    data = awkward_data[["age", "a <b> & c"]].assign(sex=["f", "m"] * 60)
    run = bm.MICE(data, by="sex").mice(m=4, sweeps=16, random_seed=1, progressbar=False)
    page = written(run, tmp_path / "groups.html")
    for group in ("sex=f", "sex=m"):
        assert f"Model of a <b> & c[{group}]: linear regression" in page.said
    assert page.said.count("Check: ") == 2
    assert not [one for one in run.tree["conditionals"].children.values() if len(one.children) > 2]


def test_checks_are_made_on_request(awkward, tmp_path):
    assert "Check: " not in written(awkward, tmp_path / "report.html", checks=False).said


def test_what_is_pooled_has_to_be_pooled(awkward, tmp_path):
    with pytest.raises(bm.DataTypeError, match="pooled is a list; expected pooled results"):
        awkward.report(tmp_path / "report.html", pooled=[1])


def test_a_folder_has_to_exist(awkward, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        awkward.report(tmp_path / "nowhere" / "report.html")
