"""The JSON shapes of the API's responses; each is declared here once.

A shape is a `TypedDict`. The functions of `rebal_tui.services.wire` return such dicts, which the type checker compares
with the declaration key by key, and pydantic derives the OpenAPI document from it. Writing JSON needs neither these
modules nor pydantic. Only the API imports them at run time, so the screens and the headless commands start without
them.

Clients ignore unknown keys: `SkipJsonSchema` marks keys that the document does not list. Shapes that are
not `documented` appear only in exports, previews, event streams and the output of commands. The document has the keys
in the order of their declaration; JSON has them in the order in which they are written. Docstrings would become
descriptions in the document, so the classes have comments.
"""
