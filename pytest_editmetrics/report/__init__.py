"""How gates and runs are shown: terminal, Markdown, annotations, pictures and the HTML report.

Texts and pages are made here and nowhere else; nothing is judged here.
"""
