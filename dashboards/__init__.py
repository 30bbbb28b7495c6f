"""How the reports look: templates, theme, charts and the site. Knows nothing of metrics."""
