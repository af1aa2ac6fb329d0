"""The documentation page: the OpenAPI document as plain HTML, without scripts or resources of other hosts."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "h2{margin-top:2rem;border-bottom:1px solid #ccc}code{font:13px/1.5 ui-monospace,monospace}"
    "dt{margin-top:1rem}dd{margin:0 0 0 1.5rem}.m{display:inline-block;width:4.5rem;font-weight:600}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}}"
)
DOCS_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
"""Content-Security-Policy of the page."""


def docs_page(document: Mapping[str, Any]) -> str:
    """HTML of an OpenAPI document: every operation by tag, with its parameters and the schema of its body."""
    info = document["info"]
    title = f"{info['title']} {info['version']}"
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["other"])[0]
            by_tag.setdefault(tag, []).append(_operation(method, path, operation))
    sections = "".join(
        f"<h2>{escape(tag)}</h2><dl>{''.join(operations)}</dl>" for tag, operations in sorted(by_tag.items())
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1><p>{escape(info['description'])}</p>"
        f'<p>The complete schemas are in <a href="/openapi.json">/openapi.json</a>.</p>{sections}</body></html>'
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    lines = [f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"]
    for parameter in operation.get("parameters", ()):
        needed = ", required" if parameter.get("required") else ""
        text = parameter.get("description", "")
        lines.append(f"<div><code>{escape(parameter['name'])}</code> ({parameter['in']}{needed}) {escape(text)}</div>")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if body.get("$ref"):
        lines.append(f"<div>Body: <code>{escape(body['$ref'].rpartition('/')[2])}</code></div>")
    name = f'<span class="m">{method.upper()}</span><code>{escape(path)}</code>'
    return f"<dt>{name}</dt><dd>{''.join(lines)}</dd>"
