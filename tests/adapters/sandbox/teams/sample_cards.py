"""Cards as a bot might send them: one with every element in use, and some that are broken."""

from typing import Any

PULL_REQUEST: dict[str, Any] = {
    "type": "AdaptiveCard",
    "version": "1.5",
    "body": [
        {
            "type": "TextBlock",
            "text": "!17 Keep the lamp lit \\*always\\*",
            "weight": "Bolder",
            "size": "Large",
            "wrap": True,
        },
        {
            "type": "ColumnSet",
            "columns": [
                {
                    "type": "Column",
                    "width": "auto",
                    "items": [{"type": "Badge", "text": "Draft", "style": "Warning"}],
                },
                {
                    "type": "Column",
                    "width": "stretch",
                    "items": [
                        {
                            "type": "TextBlock",
                            "text": "feature/123-lamp → main",
                            "isSubtle": True,
                        }
                    ],
                },
            ],
        },
        {
            "type": "FactSet",
            "facts": [
                {"title": "Author", "value": "**Maya Sample**"},
                {"title": "Ticket", "value": "[#123](https://example.com/123) Lamp"},
                {"title": "Opened", "value": "{{DATE(2026-03-02T09:30:00Z, SHORT)}}"},
            ],
        },
        {
            "type": "Table",
            "columns": [{"width": 2}, {"width": 1}],
            "rows": [
                {
                    "type": "TableRow",
                    "cells": [
                        {"type": "TableCell", "items": [{"type": "TextBlock", "text": "Reviewer"}]},
                        {"type": "TableCell", "items": [{"type": "TextBlock", "text": "Vote"}]},
                    ],
                },
                {
                    "type": "TableRow",
                    "cells": [
                        {
                            "type": "TableCell",
                            "items": [{"type": "TextBlock", "text": "Jonas Sample"}],
                        },
                        {
                            "type": "TableCell",
                            "items": [
                                {"type": "TextBlock", "text": "Approved", "color": "Good"},
                            ],
                        },
                    ],
                },
            ],
        },
        {
            "type": "Container",
            "style": "attention",
            "items": [
                {
                    "type": "RichTextBlock",
                    "inlines": [
                        "Conflict in ",
                        {"type": "TextRun", "text": "lamp.txt", "weight": "Bolder"},
                    ],
                }
            ],
        },
        {"type": "TextBlock", "text": "never shown", "isVisible": False},
        {"type": "Image", "url": "https://example.com/x.png", "altText": "A lighthouse"},
        {
            "type": "Input.ChoiceSet",
            "id": "repo",
            "label": "Repository",
            "value": "a",
            "choices": [{"title": "beacon", "value": "a"}, {"title": "harbour", "value": "b"}],
        },
        {"type": "Input.Toggle", "id": "draft", "title": "As a draft", "value": "true"},
        {"type": "Input.Text", "id": "why", "placeholder": "Why?"},
        {
            "type": "ActionSet",
            "actions": [{"type": "Action.Execute", "title": "Sync", "verb": "sync"}],
        },
    ],
    "actions": [
        {"type": "Action.OpenUrl", "title": "Open", "url": "https://example.com/17"},
        {"type": "Action.Execute", "title": "Approve", "verb": "approve", "style": "positive"},
        {"type": "Action.Execute", "title": "Abandon", "verb": "drop", "style": "destructive"},
    ],
}

UNKNOWN: dict[str, Any] = {
    "type": "AdaptiveCard",
    "body": [
        {"type": "Chart.Donut", "title": "Votes"},
        {
            "type": "Carousel",
            "pages": [
                {"type": "CarouselPage", "items": [{"type": "TextBlock", "text": "First page"}]}
            ],
        },
        {"type": "Hologram", "fallback": {"type": "TextBlock", "text": "Instead of a hologram"}},
        {"type": "Widget"},
        {"no": "type"},
        "not an element",
        {"type": "TextBlock"},
        {"type": "FactSet", "facts": "none"},
        {"type": "ColumnSet", "columns": [{"width": "13px", "items": None}]},
        {"type": "Table", "rows": [{}, {"cells": [{}, {}]}]},
        {"type": "RichTextBlock", "inlines": None},
        {"type": "CodeBlock", "codeSnippet": "a **b** [c](d)"},
        {"type": "Input.Number", "id": "n"},
    ],
    "actions": [{"type": "Action.Execute"}, None],
}
