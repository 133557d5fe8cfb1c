"""Renders every sample screen to an HTML file, as the page's program does.

    python render.py DIRECTORY        needs the package chevron

A sample is {"template", "values", "context"}: `values` are put into the words of the context's language,
which then are its member `t`. Words whose places have no value ({n}, {month} …) stay as they are: the
program fills them for each use, and page.js does so in the browser.
"""

import base64
import hashlib
import json
import pathlib
import re
import sys

import chevron

HERE = pathlib.Path(__file__).resolve().parent
RESOURCES = HERE.parent.parent.parent / "Sources" / "PaymentPage" / "Resources"
LARGEST_PAGE = 12 * 1024


def words(language, values):
    catalogue = json.loads((RESOURCES / "words.json").read_text("utf-8"))
    return {key: fill(texts[language], values) for key, texts in catalogue.items()}


def fill(text, values):
    return re.sub(r"\{(\w+)\}", lambda place: values.get(place[1], place[0]), text)


def integrity(name):
    digest = hashlib.sha384((RESOURCES / name).read_bytes()).digest()
    return "sha384-" + base64.b64encode(digest).decode()


def render(sample):
    context = dict(sample["context"])
    context["t"] = words(context["lang"], sample["values"])
    for name in ("css", "js"):
        context[name + "_integrity"] = integrity("page." + name)
    template = (RESOURCES / (sample["template"] + ".mustache")).read_text("utf-8")
    return chevron.render(template, context, partials_path=str(RESOURCES), partials_ext="mustache")


def main(directory):
    target = pathlib.Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    for name in ("page.css", "page.js", "icon.svg"):
        (target / name).write_bytes((RESOURCES / name).read_bytes())
    wrong = 0
    for path in sorted(HERE.glob("*.json")):
        page = render(json.loads(path.read_text("utf-8")))
        (target / (path.stem + ".html")).write_text(page, "utf-8")
        size = len(page.encode())
        left = re.findall(r"\{\{.*?\}\}", page)
        body = re.sub(r"<template.*?</template>", "", page, flags=re.S)
        open_places = re.findall(r"\{\w+\}", body)
        if size > LARGEST_PAGE or left or open_places:
            wrong += 1
            print(path.stem, size, "bytes", left, open_places)
    print(len(list(HERE.glob("*.json"))), "screens,", wrong, "wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
