#!/usr/bin/env python3
"""Writes Tests/TasksTests/Fixtures/maps.json: what scikit-learn makes of some vectors, for tests of maps.

    python3 -m venv .venv; .venv/bin/pip install scikit-learn==1.9.1
    .venv/bin/python tools/fixtures_maps.py

Two sets of vectors: 60 of 20 elements in four clouds, more vectors than elements; and 24 of 40 elements in three, fewer.
Of each the two principal components (whose signs are arbitrary), the shares of variance, and of exact t-SNE the KL
divergence it reached and its trustworthiness (Venna and Kaski 2001) with 5 neighbours.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEIGHBOURS = 5


def clouds(seed, count, size, centres):
    random = np.random.default_rng(seed)
    middles = random.normal(scale=2.5, size=(centres, size))
    scales = np.linspace(0.4, 1.6, size)
    out = middles[np.arange(count) % centres] + random.normal(size=(count, size)) * scales
    return out.astype(np.float32)


def case(vectors):
    perplexity = max(1, min(30, (len(vectors) - 1) / 3))
    pca = PCA(2, svd_solver="full")
    places = pca.fit_transform(vectors.astype(np.float64))
    tsne = TSNE(method="exact", init="pca", perplexity=perplexity, random_state=0)
    mapped = tsne.fit_transform(vectors)
    return {
        "vectors": [[float(value) for value in row] for row in vectors],
        "principalComponents": places.tolist(),
        "variance": pca.explained_variance_ratio_.tolist(),
        "perplexity": perplexity,
        "divergence": float(tsne.kl_divergence_),
        "trustworthiness": float(trustworthiness(vectors, mapped, n_neighbors=NEIGHBOURS)),
    }


def main():
    path = ROOT / "Tests/TasksTests/Fixtures/maps.json"
    content = {
        "scikit-learn": sklearn.__version__, "neighbours": NEIGHBOURS,
        "cases": [case(clouds(1, 60, 20, 4)), case(clouds(2, 24, 40, 3))],
    }
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    for item in content["cases"]:
        print(len(item["vectors"]), item["variance"], item["divergence"], item["trustworthiness"])


if __name__ == "__main__":
    main()
