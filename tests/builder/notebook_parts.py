"""Small notebooks, as the tests of the book's programs need them."""


def code(source, *outputs, tags=()):
    cell = {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}, "outputs": list(outputs)}
    return {**cell, "execution_count": 3, "id": f"c{abs(hash(source))}"}


def text(source):
    return {"cell_type": "markdown", "source": source, "metadata": {}, "id": f"m{abs(hash(source))}"}


def shows(**data):
    return {"output_type": "display_data", "metadata": {}, "data": {k.replace("_", "/"): v for k, v in data.items()}}


def notebook(*cells):
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
        "papermill": {"duration": 1.0},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": {}}}},
    }
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
