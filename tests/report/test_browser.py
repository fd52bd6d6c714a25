"""The page in a real browser: headless Chromium, where it is installed."""

import html
import json
import re
import shutil
import subprocess

import pytest

import bayesmice as bm

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)

pytestmark = [pytest.mark.long, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]

PROBE = """<!DOCTYPE html><title>probe</title>
<iframe id="page" src="{source}" width="{width}" height="1500" style="border: 0"></iframe>
<pre id="found"></pre>
<script>
document.getElementById("page").addEventListener("load", (event) => {{
  const page = event.target.contentDocument;
  const root = page.documentElement;
  const button = page.querySelector("th button");
  if (button) button.click();
  const rows = [...page.querySelector("#missing tbody").rows];
  const sorted = rows.map((row) => row.cells[0].textContent);
  const filter = page.querySelector("#columns .filter");
  if (filter) {{
    filter.value = "STAGE";
    filter.dispatchEvent(new Event("input"));
  }}
  const right = root.clientWidth + 1;
  const wide = [...page.querySelectorAll("body *")].filter(
    (one) => !one.closest(".scroll, nav") && one.getBoundingClientRect().right > right);
  const shown = [...page.querySelectorAll(".panel")].filter((one) => !one.hidden);
  document.getElementById("found").textContent = JSON.stringify({{
    scrolls: root.scrollWidth > root.clientWidth,
    wide: wide.map((one) => one.tagName + "." + one.className),
    sorted,
    panels: shown.map((one) => one.dataset.name),
    drawn: [...page.images].every((image) => image.complete && image.naturalWidth > 100),
    fontSize: parseFloat(page.defaultView.getComputedStyle(page.body).fontSize),
    paper: page.defaultView.getComputedStyle(page.body).backgroundColor,
    ink: page.defaultView.getComputedStyle(page.body).color,
  }});
}});
</script>
"""


def browse(folder, page, width, *options):
    """Open a page in a frame of some width; give what a script found, and the messages."""
    probe = folder / f"probe_{width}.html"
    probe.write_text(PROBE.format(source=page.as_uri(), width=width), encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--allow-file-access-from-files",
            f"--user-data-dir={folder / 'profile'}",
            "--enable-logging=stderr",
            "--virtual-time-budget=10000",
            "--dump-dom",
            *options,
            probe.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    messages = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(found)), messages


@pytest.fixture(scope="module")
def page(awkward, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    pooled = awkward.fit("age ~ stage + treated", progressbar=False).pool()
    return awkward.report(folder / "report.html", pooled=pooled, progressbar=False)


@pytest.mark.parametrize("width", [400, 1200])
def test_the_page_loads_without_a_message_and_fits_the_screen(page, tmp_path, width):
    found, messages = browse(tmp_path, page, width)
    assert not messages
    assert not found["scrolls"], found["wide"]
    assert not found["wide"]
    assert found["drawn"]
    assert found["fontSize"] >= 16


def test_tables_sort_and_columns_filter(page, tmp_path):
    found, _ = browse(tmp_path, page, 1200)
    assert found["sorted"] == sorted(found["sorted"])
    assert found["panels"] == ["stage"]


def test_colours_follow_the_reader(page, tmp_path):
    light, _ = browse(tmp_path, page, 800, "--blink-settings=preferredColorScheme=1")
    dark, _ = browse(tmp_path, page, 800, "--blink-settings=preferredColorScheme=0")
    assert light["paper"] == "rgb(255, 255, 255)"
    assert dark["paper"] == "rgb(22, 22, 22)"
    assert light["ink"] != dark["ink"]


def test_the_page_of_imputations_from_a_table_loads_too(awkward, tmp_path):
    page = bm.from_long(awkward.long(include_original=True)).report(
        tmp_path / "table.html", progressbar=False
    )
    found, messages = browse(tmp_path, page, 400)
    assert not messages
    assert not found["scrolls"], found["wide"]
