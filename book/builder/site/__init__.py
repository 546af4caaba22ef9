"""The site: pages and executed chapters staged, rendered by Jupyter Book, published in one step."""
