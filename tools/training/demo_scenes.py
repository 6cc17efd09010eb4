"""What easy-VQA's pictures show, and words for it: for train_demo_caption.py and demo_items.py.

Each picture shows one shape. Its kind, colour, size and place are measured on the pixels that aren't background, so no
question has to be asked, and pictures that ShapeMixer makes are described as well as real ones.
"""

import collections

import torch
from demo_data import ShapeMixer, load_split, normalise

SHAPES = ["circle", "rectangle", "triangle"]
COLOURS = {
    "black": (0, 0, 0), "blue": (0, 0, 255), "brown": (165, 42, 42), "gray": (128, 128, 128), "green": (0, 255, 0),
    "red": (255, 0, 0), "teal": (0, 128, 128), "yellow": (255, 255, 0),
}
# Two wordings of each: no word stands for the middle size.
SIZES = [("small", "little"), ("", ""), ("big", "large")]
PLACES = [
    ("at the top left", "in the upper left corner"), ("at the top", "at the upper edge"),
    ("at the top right", "in the upper right corner"), ("on the left", "at the left edge"),
    ("in the middle", "in the centre"), ("on the right", "at the right edge"),
    ("at the bottom left", "in the lower left corner"), ("at the bottom", "at the lower edge"),
    ("at the bottom right", "in the lower right corner"),
]
COLOUR_NAMES = list(COLOURS)

# Where small ends and big begins: roots of the product of width and height, as parts of the picture's side.
SIZE_BOUNDS = (16 / 64, 24 / 64)
# Where the middle ends, from the picture's centre to its edge being 1.
PLACE_BOUND = 0.3

# Numbers in the lists above; None says nothing of it.
Scene = collections.namedtuple("Scene", "shape colour size place")


def shapes_and_colours(pixels):
    """The numbers of what pictures (pictures, 3, side, side) as they come show. A shape's colour is that of the eight
    that most pixels have; those blended with the background at its edge don't count. Its kind is told by the part of
    its box that it fills: a rectangle all, a circle about π/4, a triangle about half."""
    pure = torch.stack([(pixels == torch.tensor(colour).view(3, 1, 1)).all(1) for colour in COLOURS.values()])
    numbers = pure.sum((2, 3)).argmax(0)
    masks = pure[numbers, torch.arange(len(pixels))]
    boxes = masks.any(1).sum(1) * masks.any(2).sum(1)
    filled = masks.sum((1, 2)) / boxes
    return torch.where(filled > 0.95, 1, torch.where(filled > 0.68, 0, 2)), numbers


def sizes_and_places(covers):
    """The numbers of size and place of shapes that cover (pictures, 1, side, side) by more than half."""
    square = covers[:, 0] > 0.5
    side = square.shape[-1]
    extents, centres = [], []
    for across in (1, 2):  # over rows: what columns are touched, and the other way round
        touched = square.any(across).float()
        first, end = touched.argmax(1), side - touched.flip(1).argmax(1)
        extents.append((end - first) / side)
        centres.append((first + end) / side - 1.0)
    size = (extents[0] * extents[1]).sqrt()
    sizes = (size >= SIZE_BOUNDS[0]).long() + (size >= SIZE_BOUNDS[1]).long()
    column, row = [(centre > -PLACE_BOUND).long() + (centre > PLACE_BOUND).long() for centre in centres]
    return sizes, row * 3 + column


def scenes(shapes, colour_numbers, covers):
    sizes, places = sizes_and_places(covers)
    return [Scene(*numbers) for numbers in torch.stack([shapes, colour_numbers, sizes, places], 1).tolist()]


class ScenePictures:
    """A split's pictures, as they are and mixed anew, with what they show."""

    def __init__(self, split, side, generator):
        self.pixels = load_split(split, side)[0]
        self.mixer = ShapeMixer(self.pixels, generator)
        self.shapes, self.colours = shapes_and_colours(self.pixels)
        self.scenes = scenes(self.shapes, self.colours, self.mixer.mask.float())

    def mixed(self, images):
        """New pictures of some pictures' shapes, as the net takes them, what the shapes cover, and their scenes."""
        pixels, covers = self.mixer(images)
        return normalise(pixels), covers, scenes(self.shapes[images], self.colours[images], covers)


def thing(scene, wording):
    """a small red triangle"""
    size = SIZES[scene.size][wording] if scene.size is not None else ""
    colour = COLOUR_NAMES[scene.colour] if scene.colour is not None else ""
    shape = SHAPES[scene.shape] if scene.shape is not None else "shape"
    return " ".join(word for word in ("a", size, colour, shape) if word)


def place(scene, wording):
    return " " + PLACES[scene.place][wording] if scene.place is not None else ""


def captions(scene):
    """Three ways to say it; the first is the usual one."""
    return [
        thing(scene, 0) + place(scene, 0),
        "there is " + thing(scene, 1) + place(scene, 1),
        "the picture shows " + thing(scene._replace(size=None, place=None), 0),
    ]


def vocabulary_words():
    every = [Scene(shape, colour, size, where) for shape in (*range(len(SHAPES)), None)
             for colour in range(len(COLOURS)) for size in range(len(SIZES)) for where in range(len(PLACES))]
    return {word for scene in every for text in captions(scene) for word in text.split()}
