"""Texts for users in their languages: gettext catalogues, for the pages and for reasons.

The English sentence is the key of each text. A language is one file, ``LANGUAGE.po``, that
translators edit; docs/languages.md says how. In reading order:

- `catalogues`: reads the files: a text in a language, plurals included.
- `preferred`: the language that a request asks for.
- `reasons`: reasons of the proxy in a language.
- `page`: a catalogue as JSON, for the pages.
- `markup`: the texts of HTML.
- `extraction`: finds all texts in the sources, and brings the files up to date.
"""
