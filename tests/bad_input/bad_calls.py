"""Bad input of calls in a test: images, boxes, regions, bounds, markers, golden images."""

from __future__ import annotations

from bad_input import Case


def edited(what: str, made: str, names: str = "edited image", **more) -> Case:
    return Case(what, f"edit_gate.check(before, {made}, BOX)", names=names, **more)


def area(what: str, made: str, names: str = "box 1", **more) -> Case:
    return Case(what, f"edit_gate.check(before, after, {made})", names=names, **more)


def fine(case, what: str, made: str, names: str = "") -> Case:
    return case(what, made, names, gets="measured")


FILES = [
    edited("PNG cut off", "write('a.png', png()[:-300])", "a.png: is truncated or damaged"),
    edited("JPEG cut off", "write('a.jpg', jpeg()[:-300])", "a.jpg: is truncated or damaged"),
    edited("PNG cut off in its header", "write('a.png', png()[:20])", "a.png"),
    edited(
        "PNG with damaged pixels", "write('a.png', png()[:99] + bytes(60) + png()[159:])", "a.png"
    ),
    edited("empty file", "write('a.png', b'')", "a.png: the file is empty"),
    edited("web page in place of an image", "write('a.png', '<html>404')", "a.png: is no image"),
    edited(
        "SVG", "write('a.svg', '<svg xmlns=\"http://www.w3.org/2000/svg\"/>')", "a.svg: is no image"
    ),
    edited(
        "Git LFS pointer",
        "write('a.png', 'version https://git-lfs.github.com/spec/v1')",
        "git lfs pull",
    ),
    edited(
        "PNG that claims 20,000x20,000 pixels",
        "write('a.png', claims(20_000, 20_000))",
        "400000000 pixels",
    ),
    edited("PNG that claims no pixels", "write('a.png', claims(0, 64))", "a.png"),
    edited(
        "PNG that claims one row more than it has",
        "write('a.png', claims(64, 65))",
        "a.png: is truncated or damaged",
    ),
    Case(
        "PNG cut off, where other code told Pillow to allow it",
        "with lenient(): edit_gate.check(before, write('a.png', png()[:-300]), BOX)",
        names="a.png: is truncated or damaged",
    ),
    Case(
        "JPEG cut off, where other code told Pillow to allow it",
        "with lenient(): edit_gate.check(before, write('a.jpg', jpeg()[:-300]), BOX)",
        names="a.jpg: is truncated or damaged",
    ),
    edited(
        "JPEG that ends in its middle, with the mark of an end",
        r"write('a.jpg', jpeg()[:-300] + b'\xff\xd9')",
        "a.jpg: is truncated or damaged",
    ),
    edited(
        "TIFF of signed samples",
        "write('a.tif', tiff(after[..., 0].astype('int16')))",
        "a.tif: its samples are signed",
    ),
    edited(
        "JPEG 2000 of 16 bits in colour",
        "write('a.jp2', imagecodecs.jpeg2k_encode(after.astype('uint16') * 257, level=0))",
        "a.jp2: is a JPEG 2000 of 16 bits with 3 channels",
    ),
    edited(
        "TIFF of 64-bit floats",
        "write('a.tif', tiff(after[..., 0] / 255))",
        "a.tif: is no image that Pillow can read; it is a TIFF of another kind",
    ),
    edited(
        "PNG of 16 bits with values of 8 bit",
        "write('a.png', png(after[..., 0].astype('uint16')))",
        "a.png: has 16 bits and values up to",
    ),
    edited(
        "TIFF of 16 bits with values of 8 bit",
        "write('a.tif', tiff(after[..., 0].astype('uint16')))",
        "a.tif: has 16 bits and values up to",
    ),
    edited(
        "PNG of 0 and 1, of 255",
        "write('a.png', png(after // 128))",
        "a.png: its largest level is 1 of 255",
    ),
    edited(
        "PNG with an alpha of 1, of 255",
        "write('a.png', png(with_alpha(1)))",
        "a.png: its alpha is at most 1 of 255",
    ),
    edited("PIL image that was closed unread", "closed()", "was closed, or verified, before"),
    fine(edited, "PNG with 64 MiB of compressed text", "write('a.png', text_bomb())"),
    fine(
        edited,
        "PNG whose colour profile is damaged",
        "write('a.png', png(icc_profile=b'damaged'))",
    ),
    Case(
        "PNG with a colour profile, and Pillow was built without LittleCMS",
        "with without_littlecms():"
        " edit_gate.check(before, write('a.png', png(icc_profile=b'a profile')), BOX)",
        names="a.png: carries a colour profile, and this Pillow was built without LittleCMS",
    ),
    Case(
        "PNG, and `PIL.Image.open` is mocked",
        "with mocked(Image, 'open'): edit_gate.check(before, write('a.png', png()), BOX)",
        names="PIL.Image.open is replaced by a MagicMock",
    ),
    Case(
        "PIL image, and its `convert` is mocked",
        "with mocked(Image.Image, 'convert'): edit_gate.check(before, Image.fromarray(after), BOX)",
        names="PIL.Image.Image.convert is replaced by a MagicMock",
    ),
    Case(
        "JPEG XL, and its plugin is not installed",
        "with without('JXL', 'pillow_jxl'): edit_gate.check(before, write('a.jxl', jxl()), BOX)",
        names="pip install pillow-jxl-plugin",
    ),
    Case(
        "HEIC, and its plugin is not installed",
        "with without('HEIF', 'pillow_heif'): edit_gate.check(before, write('a.heic', heic()), BOX)",
        names="pip install pillow-heif",
    ),
    edited("data: URL cut off", "data_url(png())[:401]", "is truncated or damaged"),
    edited("data: URL without data", "'data:image/png;base64'", "without a comma"),
    edited("data: URL of a web page", "data_url(b'<html>404')", "is no image"),
    fine(edited, "data: URL of a PNG", "data_url(png())"),
    edited("GIF of several frames", "write('a.gif', several('GIF'))", "a.gif: has 2 frames"),
    edited("AVIF of several frames", "write('a.avif', several('AVIF'))", "a.avif: has 2 frames"),
    edited("TIFF of several pages", "write('a.tif', several('TIFF'))", "a.tif: has 2 frames"),
    edited("file that is not there", "'nowhere.png'", "nowhere.png: there is no such file"),
    edited("URL in place of a path", "'https://example.org/a.png'", "a.png: is an address"),
    edited("folder in place of a file", "'goldens'", "goldens: is a directory"),
    edited("named pipe in place of a file", "fifo('pipe')", "pipe: is no regular file"),
    edited("device in place of a file", "'/dev/zero'", "/dev/zero: is no regular file"),
    edited("file that cannot be read", "'/proc/self/mem'", "/proc/self/mem: cannot be read"),
    edited("link to itself", "link_to_itself('loop.png')", "loop.png: cannot be read"),
    edited("path with a NUL", r"'a\0.png'", "cannot be read"),
    edited("path of 5,000 characters", "'a' * 5000", "(5000 characters) is too long for a path"),
    fine(edited, "JPEG named .png", "write('a.png', jpeg())"),
]

ARRAYS = [
    edited("nothing", "None", "edited image: NoneType is not an image"),
    edited("number", "7", "edited image: int is not an image"),
    edited("bytes of a file", "png()", "edited image: bytes is not an image"),
    edited("empty list", "[]", "edited image: a list of 0 images"),
    edited("list of two", "[after, after]", "edited image: a list of 2 images"),
    edited("generator", "(image for image in [after])", "edited image: generator is not an image"),
    edited("output of a pipeline", "Pipeline()", "pass its .images[0]"),
    edited("other size", "after[:, :32]", "32x64 pixels, the reference 64x64"),
    edited("sides swapped", "np.zeros((32, 64, 3), np.uint8)", "64x32 pixels"),
    edited("no pixels", "np.zeros((0, 64, 3), np.uint8)", "edited image: has no pixels"),
    edited("PIL image without pixels", "Image.new('RGB', (0, 0))", "edited image: has no pixels"),
    edited("channels first", "after.transpose(2, 0, 1)", "pass array.transpose(1, 2, 0)"),
    edited("two channels", "after[..., :2]", "is not (H, W, C)"),
    edited("batch of two", "np.stack([after, after])", "edited image: a batch of 2 images"),
    edited("five dimensions", "after[None, None]", "edited image: shape (1, 1, 64, 64, 3)"),
    edited("one dimension", "after.ravel()", "edited image: shape (12288,)"),
    edited("no dimension", "np.array(7)", "edited image: shape ()"),
    edited("1 px array, of which the channels cannot be told", "after[:1, :1]", "(1, 1, 3)"),
    edited("float in [0, 255]", "after.astype(float)", "pass x / 255"),
    edited("float in [-1, 1]", "after / 127.5 - 1", "pass (x + 1) / 2"),
    fine(edited, "float a hair outside [0, 1]", "after / 255 * 1.000002 - 1e-8"),
    edited("float a little over 1", "after / 200", "pass x.clip(0, 1)"),
    edited("float a little beyond [-1, 1]", "(after / 127.5 - 1) * 1.2", "pass (x + 1) / 2"),
    edited("float in [-3, 3]", "(after / 127.5 - 1) * 3", "scale it to [0, 1], or clip it"),
    edited("float with NaN", "np.full((64, 64, 3), nan)", "edited image: float values with NaN"),
    edited(
        "float with infinity",
        "np.full((64, 64, 3), inf)",
        "edited image: float values with NaN or infinity",
    ),
    edited("uint16 with values of 8 bit", "after.astype('uint16')", "may be of 8 bits"),
    edited("uint16 with values of 10 bit", "after.astype('uint16') * 4", "may be of 10 bits"),
    edited(
        "mode I;16 with values of 8 bit",
        "Image.fromarray(after[..., 0].astype('uint16'))",
        "has 16 bits and values up to",
    ),
    edited("uint8 of 0 and 1", "after // 128", "its largest level is 1 of 255"),
    edited("float divided by 255 twice", "after / 255 / 255", "pass x * 255"),
    edited(
        "tensor divided by 255 twice",
        "torch.tensor(after / 255 / 255).permute(2, 0, 1)",
        "pass x * 255",
    ),
    edited("alpha of 1, of 255", "with_alpha(1)", "its alpha is at most 1 of 255"),
    edited("transparent everywhere", "with_alpha(0)", "is transparent everywhere"),
    Case(
        "black, before and after",
        "edit_gate.check(before * 0, after * 0, BOX)",
        gets="measured",
    ),
    edited("int64", "after.astype('int64')", "values of type int64"),
    edited("complex", "after.astype(complex)", "values of type complex128"),
    edited("objects", "after.astype(object)", "values of type object"),
    edited("texts", "after.astype(str)", "values of type <U3"),
    edited("boolean", "after > 127", "is a mask, not an image"),
    edited("masked array", "masked()", "edited image: a masked array"),
    edited("tensor (H, W, C)", "torch.tensor(after)", "tensor.permute(2, 0, 1)"),
    edited("sparse tensor", "torch.zeros(3, 64, 64).to_sparse()", "edited image: a tensor"),
    edited(
        "tensor without data (meta)",
        "torch.zeros(3, 64, 64, device='meta')",
        "edited image: a tensor",
    ),
    edited(
        "complex tensor",
        "torch.zeros(3, 64, 64, dtype=torch.complex64)",
        "values of type complex64",
    ),
    edited(
        "PIL image that is closed",
        "(image := Image.open(write('a.png', png())), image.close())[0]",
        "edited image",
    ),
    edited(
        "mode I with values of 8 bit",
        "Image.fromarray(after[..., 0].astype('int32'))",
        "may be of 8 bits",
    ),
    edited(
        "mode F in [0, 255]", "Image.fromarray(after[..., 0].astype('float32'))", "pass x / 255"
    ),
    Case(
        "resize misspelt", "edit_gate.check(before, after, resize='referense')", names="'referense'"
    ),
    Case(
        "resize of another type", "edit_gate.check(before, after, resize=['pad'])", names="['pad']"
    ),
    Case(
        "aspect misspelt",
        "edit_gate.check(before, after[:32], resize='edited', aspect='anny')",
        names="did you mean 'any'?",
    ),
    Case(
        "stretched more than rounding does",
        "edit_gate.check(before, after[:, :20], resize='edited')",
        names="aspect='any'",
    ),
    Case(
        "edit area that was cut away",
        "edit_gate.check(before, after[:, 24:40], [(0, 0, 8, 8)], resize='crop-center')",
        names="(0, 0, 8, 8)",
    ),
    Case(
        "object that was cut away",
        "edit_gate.check(before, after[:, 24:40], ref_boxes=[(0, 0, 8, 8)],"
        " edited_boxes=[(0, 0, 8, 8)], metrics='mask_iou', resize='crop-center')",
        names="reference box 1 (0, 0, 8, 8)",
    ),
    Case(
        "mask of the edited image's size",
        "edit_gate.check(before, after[:, 8:], np.ones((64, 56), bool), resize='crop-center')",
        names="56x64 px, the image 64x64",
    ),
    Case(
        "edited image of 1 px",
        "edit_gate.check(before, Image.new('RGB', (1, 1)), resize='edited')",
        gets="failed",
    ),
    Case(
        "LPIPS of 1 px",
        "edit_gate.check(Image.new('RGB', (1, 1)), Image.new('RGB', (1, 1)), metrics='lpips')",
        names="1x1 pixels",
    ),
    Case(
        "1 px",
        "edit_gate.check(Image.new('RGB', (1, 1)), Image.new('RGB', (1, 1)))",
        gets="measured",
    ),
    Case(
        "20,000 px wide",
        "edit_gate.check(Image.new('RGB', (20_000, 5)), Image.new('RGB', (20_000, 5)))",
        gets="measured",
    ),
    fine(edited, "CMYK", "Image.fromarray(after).convert('CMYK')"),
    fine(edited, "palette", "Image.fromarray(after).convert('P')"),
    fine(
        edited,
        "tensor that requires a gradient",
        "torch.tensor(after / 255).permute(2, 0, 1).requires_grad_()",
    ),
    fine(edited, "batch of one", "after[None]"),
]

AREAS = [
    area("NaN in a box", "[(nan, 0, 8, 8)]", "box 1 (nan, 0, 8, 8) holds NaN"),
    area("infinity in a box", "[(0, 0, inf, 8)]", "box 1 (0, 0, inf, 8) holds NaN, infinity"),
    area("a number of 400 digits", "[(0, 0, 10**400, 8)]"),
    area("a number of 5,000 digits", "[(0, 0, 10**5000, 8)]"),
    area("one box with such a number", "(0, 0, 10**5000, 8)"),
    area("texts in a box", "[('0', '0', '8', '8')]"),
    area("complex numbers", "[(0j, 0, 8, 8)]"),
    area("booleans", "[(False, False, True, True)]"),
    area("nothing in a box", "[(None, 0, 8, 8)]"),
    area("three numbers", "[(0, 0, 8)]"),
    area("five numbers", "[(0, 0, 8, 8, 1)]"),
    area("a number that never ends", "[itertools.count()]"),
    area("inverted", "[(32, 32, 16, 16)]", "box 1 (32, 32, 16, 16) is inverted"),
    area("x, y, width, height", "[(40, 40, 8, 8)]", "not (x, y, width, height)"),
    area("fractions of the image", "[(0.1, 0.1, 0.5, 0.5)]", "looks like fractions"),
    area("second box of three", "[*BOX, (0, 0, nan, 8), *BOX]", "box 2"),
    area("one box and no list", "(16, 16, 32, 32)", "is one box; write a list"),
    area("text in place of boxes", "'16,16,32,32'", "16,16,32,32"),
    area("number in place of boxes", "5", "coords"),
    area("boxes nested 10,000 deep", "[nested(10_000)]"),
    area("list that holds itself", "[(loop := [], loop.append(loop))[0]]"),
    area(
        "a billion boxes, one at a time", "(BOX[0] for _ in range(10**9))", "more than 100000 boxes"
    ),
    area(
        "a billion boxes, as an array",
        "np.broadcast_to(BOX[0], (10**9, 4))",
        "more than 100000 boxes",
    ),
    area(
        "outside of the image and no pixel inside",
        "{'boxes': [(0, 0, 64, 64)]}",
        "empty-region",
        gets="unmeasured",
    ),
    area(
        "the whole image, by far",
        "[(-10**9, -10**9, 10**9, 10**9)]",
        "px beyond the 64x64 image: if it is of a picture of another size, scale it",
    ),
    area(
        "box a little too wide",
        "[(20, 20, 70, 40)]",
        "if the part within is meant, write (20, 20, 64, 40)",
    ),
    area(
        "box of a larger picture",
        "[(20, 20, 400, 300)]",
        "reaches 336 px beyond the 64x64 image: if it is of a picture of another size, scale it",
    ),
    Case(
        "nothing to measure inside",
        "edit_gate.check(before, after, metrics='l_channel_ssim')",
        "unmeasured",
        "empty-region",
    ),
    area("box outside of the image", "[(99, 99, 120, 120)]", "holds no pixel of the 64x64 image"),
    area(
        "one of two boxes outside of the image",
        "[BOX[0], (64, 0, 70, 9)]",
        "holds no pixel of the 64x64 image",
    ),
    area("a masked array", "np.ma.masked_array(after[..., 0] > 99)", "masked"),
    fine(area, "a billionth of a pixel wide", "[*BOX, (16, 16, 16 + 1e-9, 17)]"),
    fine(area, "two pixels beyond the border", "[(-2, -2, 40, 66)]"),
    fine(area, "overlapping", "[*BOX, (20, 20, 40, 40)]"),
    fine(area, "nested", "[*BOX, (20, 20, 24, 24)]"),
    fine(area, "the same twice", "[*BOX, *BOX]"),
    fine(area, "without area", "[*BOX, (8, 8, 8, 8)]"),
    fine(area, "an iterator", "iter(BOX)"),
    area(
        "mask of 16 bits with levels of 8",
        "write('m.png', png((after[..., 0] > 127).astype('uint16')))",
        "m.png: has 16 bits and values up to 1, which may be of 8 bits",
    ),
    area("mask of grey values", "mask_file('m.png', 99)", "m.png: uint8 with the values 0, 99"),
    area(
        "mask of another size",
        "mask_file('m.png', size=(32, 64))",
        "the mask is 32x64 px, the image 64x64",
    ),
    area("mask without a white pixel", "mask_file('m.png', 0)", "holds no pixel"),
    area(
        "mask in colour", "mask_file('m.png', (255, 0, 0), mode='RGB')", "m.png: a mask in colour"
    ),
    area(
        "mask that is transparent",
        "mask_file('m.png', (0, 0, 0, 0), mode='RGBA')",
        "m.png: is transparent",
    ),
    area(
        "mask that is cut off",
        "str(write('m.png', png(after[..., 0])[:-200]))",
        "m.png: is truncated or damaged",
    ),
    area("mask that is not there", "Region(mask='m0.png')", "m0.png: there is no such file"),
    area("named pipe in place of a mask", "Region(mask=fifo('pipe'))", "pipe: is no regular file"),
    area(
        "soft mask as a PIL image", "Image.open(mask_file('m.png', 99)).copy()", "mask: uint8 with"
    ),
    area("soft mask as an array", "np.asarray(Image.open(mask_file('m.png', 99)))", "mask: uint8"),
    area(
        "photo with a hole in its alpha",
        "Image.open(mask_file('m.png', (9, 0, 0, 0), mode='RGBA')).copy()",
        "is in colour and is transparent in places",
    ),
    area(
        "soft mask of another size",
        "mask_file('m.png', 99, size=(32, 64))",
        "the mask is 32x64 px, the image 64x64",
    ),
    area("mask of floats", "np.full((64, 64), 0.5)", "float64"),
    fine(area, "soft mask with its threshold", "Region(mask=mask_file('m.png', 99), threshold=99)"),
    fine(
        area,
        "mask whose black is meant",
        "Region(mask=255 - np.asarray(Image.open(mask_file('m.png'))), invert=True)",
    ),
    area(
        "threshold above every grey value",
        "Region(mask=mask_file('m.png', 99), threshold=100)",
        "holds no pixel",
    ),
    area("threshold of 0", "Region(mask=mask_file('m.png'), threshold=0)", "threshold is 0"),
    area(
        "threshold as a share",
        "Region(mask=mask_file('m.png'), threshold=0.5)",
        "threshold is 0.5; give a whole number from 1 to 255",
    ),
    area(
        "threshold of a boolean mask",
        "Region(mask=np.ones((64, 64), bool), threshold=128)",
        "is boolean: a threshold needs levels",
    ),
    area(
        "threshold without a mask", "Region(boxes=BOX, threshold=128)", "threshold without a mask"
    ),
    area("invert that is no boolean", "Region(mask='m.png', invert=1)", "invert is 1; give true"),
    area(
        "threshold beside the mask",
        "{'mask': 'm.png', 'threshold': 128}",
        "threshold of a mask stands in the mask",
    ),
    area(
        "COCO counts of another size",
        "{'size': [64, 64], 'counts': [100, 20]}",
        "the counts add up to 120 pixels, and a size of [64, 64] (height, width) has 4096",
    ),
    area(
        "COCO mask of another image",
        "{'size': [32, 64], 'counts': [48, 2000]}",
        "the mask is 64x32 px, the image 64x64",
    ),
    area(
        "COCO counts that are no text of pycocotools",
        "{'size': [64, 64], 'counts': 'aé!'}",
        "is no text of pycocotools",
    ),
    area(
        "COCO counts cut off",
        "{'size': [64, 64], 'counts': 'PP'}",
        "end in the middle of a number",
    ),
    area("COCO counts without a size", "{'counts': [4096]}", "size None is not [height, width]"),
    area(
        "COCO counts of a trillion pixels",
        "{'size': [10**6, 10**6], 'counts': [10**12]}",
        "has 1000000000000 pixels",
    ),
    area("COCO counts below zero", "{'size': [64, 64], 'counts': [-1, 4097]}", "counts hold -1"),
    area(
        "PIE-Bench's runs without a size",
        "Region(mask={'runs': [0, 9]})",
        "runs without a `size`",
    ),
    area(
        "PIE-Bench's runs, an odd count of numbers",
        "Region(mask={'size': [64, 64], 'runs': [0, 9, 70]})",
        "an odd count",
    ),
    area(
        "PIE-Bench's runs that start beyond the image",
        "Region(mask={'size': [64, 64], 'runs': [5000, 9]})",
        "a run starts at 5000",
    ),
    fine(area, "COCO counts", "{'size': [64, 64], 'counts': [0, 2048, 2048]}"),
    fine(
        area,
        "polygons that abut on the centres of pixels",
        "Region(polygons=[[(8, 8), (20.5, 8), (20.5, 40), (8, 40)],"
        " [(20.5, 8), (40, 8), (40, 40), (20.5, 40)]])",
    ),
    area("mask of three dimensions", "np.zeros((64, 64, 5), bool)", "(64, 64, 5)"),
    fine(area, "polygons as COCO has them", "[[8, 8, 40, 8, 40, 40, 8, 40]]"),
    area("polygon of nine numbers", "[[8, 8, 40, 8, 40, 40, 8, 40, 8]]"),
    area("box with a score and a class", "[[8, 8, 40, 40, 0.9, 2]]", "a score and a class"),
    area("COCO's bbox", "{'bbox': [8, 8, 32, 32]}", "boxes: [[8, 8, 40, 40]]"),
    area("COCO's annotation", "{'id': 1, 'segmentation': []}", "segmentation"),
    area("polygon in fractions", "[[0.1, 0.1, 0.5, 0.1, 0.5, 0.5, 0.1, 0.5]]", "fractions"),
    area("polygon of two points", "Region(polygons=[[(0, 0), (9, 9)]])", "polygon 1 has 2 points"),
    area(
        "polygon with NaN", "Region(polygons=[[(0, 0), (9, nan), (9, 0)]])", "polygon 1: (9, nan)"
    ),
    area(
        "polygon outside of the image",
        "Region(polygons=[[(90, 90), (99, 90), (99, 99)]])",
        "reaches 35 px beyond",
    ),
    area("polygon without area", "Region(polygons=[[(0, 0), (9, 9), (18, 18)]])", "holds no pixel"),
    area("dilate below zero", "Region(boxes=BOX, dilate=-1)", "dilate is -1"),
    area("dilate of a million pixels", "Region(boxes=BOX, dilate=10**6)", "dilate is 1000000"),
    area("dilate of half a pixel", "Region(boxes=BOX, dilate=0.5)", "dilate is 0.5"),
    area("key of a region misspelt", "{'polygon': []}", "did you mean 'polygons'?"),
    fine(
        area,
        "polygon that crosses itself",
        "Region(polygons=[[(8, 8), (40, 40), (40, 8), (8, 40)]], boxes=BOX)",
    ),
]

ASKED = [
    Case(
        "metric misspelt",
        "edit_gate.check(before, after, metrics='unedit_max_dif')",
        names="did you mean 'unedit_max_diff'?",
    ),
    Case(
        "metric that is no text",
        "edit_gate.check(before, after, metrics=[7])",
        names="a metric is named by a text, not 7",
    ),
    Case(
        "metrics as one text",
        "edit_gate.check(before, after, metrics='lpips, edit_lpips')",
        names="names several metrics; write each as a text: ['lpips', 'edit_lpips']",
    ),
    Case("number in place of metrics", "edit_gate.check(before, after, metrics=5)", names="not 5"),
    Case("no metric", "edit_gate.check(before, after, metrics=[])", names="metrics is empty"),
    Case(
        "metric twice",
        "edit_gate.check(before, after, metrics=['lpips', 'lpips'])",
        names="a second lpips gate",
    ),
    Case(
        "metric by two of its names",
        "edit_gate.check(before, after, metrics=['ssim', 'unedit_ssim'])",
        names="a second unedit_ssim gate",
    ),
    Case(
        "two checks of one name",
        "[edit_gate.check(before, after, BOX, name='hat') for _ in range(2)]",
        names="'unedit_max_diff@hat'",
    ),
    Case("name with an @", "edit_gate.check(before, after, name='a@b')", names="name='a@b'"),
    Case(
        "name with a line break",
        r"edit_gate.check(before, after, name='a\nb')",
        names=r"name='a\nb'",
    ),
    Case("name that is no text", "edit_gate.check(before, after, name=7)", names="name=7"),
    Case(
        "expect misspelt",
        "edit_gate.check(before, after, expect='compositd')",
        names="did you mean 'composited'?",
    ),
    Case(
        "colour misspelt",
        "edit_gate.check(before, after, colour='number')",
        names="did you mean 'numbers'?",
    ),
    Case(
        "expect that is no text",
        "edit_gate.check(before, after, expect=['composited'])",
        names="['composited']",
    ),
    Case("no checks", "edit_gate.check_all([])", names="check_all was given no check"),
    Case("checks of None", "edit_gate.check_all(None)", names="check_all takes a list"),
    Case(
        "check without an image", "edit_gate.check_all([{'edited': after}])", names="no 'reference'"
    ),
    Case(
        "keyword of a check misspelt",
        "edit_gate.check_all([dict(reference=before, edited=after, cords=BOX)])",
        names="did you mean 'coords'?",
    ),
    Case(
        "checks that are no mappings",
        "edit_gate.check_all([(before, after)])",
        names="check_all takes mappings",
    ),
    Case(
        "objects without their boxes",
        "edit_gate.check(before, after, metrics='sam_clip_cls_sim')",
        names="ref_boxes",
    ),
    Case(
        "more objects before than after",
        "assert_object_sim_above(before, after, ref_boxes=BOX * 2, edited_boxes=BOX, threshold=0.5)",
        names="2",
    ),
    Case(
        "text in place of objects",
        "assert_object_sim_above(before, after, 'abc', 0.5)",
        names="'abc'",
    ),
    Case(
        "COCO mask in place of objects",
        "edit_gate.check(before, after, ref_boxes={'size': [64, 64], 'counts': [4096]},"
        " edited_boxes=BOX, metrics='sam_clip_cls_sim')",
        names="ref_boxes must be a list of boxes",
    ),
    Case(
        "mask in place of objects",
        "assert_object_sim_above(before, after, np.ones((64, 64), bool), 0.5)",
        names="coords is a mask",
    ),
    Case("threshold of NaN", "assert_unedit_lpips_below(before, after, BOX, nan)", names="not nan"),
    Case(
        "threshold of infinity",
        "assert_unedit_lpips_below(before, after, BOX, inf)",
        names="max of lpips",
    ),
    Case(
        "threshold below zero",
        "assert_unedit_lpips_below(before, after, BOX, -0.1)",
        names="can never hold",
    ),
    Case(
        "threshold that always holds",
        "assert_object_sim_above(before, after, BOX * 2, -1)",
        names="always holds",
    ),
    Case(
        "text in place of a threshold",
        "assert_unedit_lpips_below(before, after, BOX, 'low')",
        names="'low'",
    ),
    Case(
        "boolean in place of a threshold",
        "assert_unedit_lpips_below(before, after, BOX, True)",
        names="max of lpips",
    ),
    Case(
        "list in place of a threshold",
        "assert_unedit_lpips_below(before, after, BOX, [0.1])",
        names="the threshold of lpips",
    ),
    Case(
        "threshold with an empty mapping",
        "assert_unedit_lpips_below(before, after, BOX, {})",
        names="is empty",
    ),
    Case(
        "min on a lower-is-better metric",
        "assert_unedit_lpips_below(before, after, BOX, {'min': 0.1})",
        names="'min' on lpips",
    ),
    Case(
        "review beyond the bound",
        "assert_unedit_lpips_below(before, after, BOX, {'max': 0.1, 'review': 0.2})",
        names="must lie below max",
    ),
    Case(
        "review without a bound",
        "assert_unedit_lpips_below(before, after, BOX, {'review': 0.2})",
        names="without max",
    ),
    Case(
        "value beyond its bound",
        "edit_gate.check(before, before // 2, BOX)",
        "failed",
        "unedit_max_diff",
    ),
]

MARKERS = [
    Case(
        "arguments without keywords",
        "@pytest.mark.editmetrics(['lpips'])",
        names="takes keywords only",
    ),
    Case("option misspelt", "@pytest.mark.editmetrics(framin='stretch')", names="'framin'"),
    Case(
        "thresholds that are a list",
        "@pytest.mark.editmetrics(thresholds=[0.1])",
        names="must be a mapping, not [0.1]",
    ),
    Case(
        "threshold of NaN",
        "@pytest.mark.editmetrics(thresholds={'unedit_max_diff': float('nan')})",
        names="not nan",
    ),
    Case(
        "threshold by two names",
        "@pytest.mark.editmetrics(metrics='ssim', thresholds={'ssim': 0.5, 'unedit_ssim': 0.5})",
        names="unedit_ssim twice",
    ),
    Case(
        "threshold of what is not measured",
        "@pytest.mark.editmetrics(thresholds={'lpips': 0.1})",
        names="a threshold of 'lpips'",
    ),
    Case("metrics that are a number", "@pytest.mark.editmetrics(metrics=5)", names="not 5"),
    Case(
        "metrics with bounds",
        "@pytest.mark.editmetrics(metrics={'unedit_max_diff': 5})",
        names="thresholds={'unedit_max_diff': 5}",
    ),
    Case(
        "threshold for thresholds",
        "@pytest.mark.editmetrics(threshold={'unedit_max_diff': 5})",
        names="did you mean 'thresholds'?",
    ),
    Case("thresholds that are 0", "@pytest.mark.editmetrics(thresholds=0)", names="not 0"),
]

IMAGES = [
    Case("no image", "golden_image.check(None)", names="NoneType is not an image"),
    Case(
        "without a golden",
        "golden_image.check(after, comparator='pixel')",
        "failed",
        "has no golden image",
    ),
    Case(
        "comparator misspelt",
        "golden_image.check(after, comparator='pixels')",
        names="did you mean 'pixel'?",
    ),
    Case(
        "tolerance of what allows none",
        "golden_image.check(after, comparator='exact', tolerance=0.1)",
        names="exact allows no difference",
    ),
    Case(
        "tolerance of NaN",
        "golden_image.check(after, comparator='pixel', tolerance=nan)",
        names="nan",
    ),
    Case(
        "tolerance above its range",
        "golden_image.check(after, comparator='pixel', tolerance=1.5)",
        names="1.5",
    ),
    Case(
        "tolerance that always holds",
        "golden_image.check(after, comparator='ssim', tolerance=-1.0)",
        names="never below -1",
    ),
    Case(
        "text in place of a tolerance",
        "golden_image.check(after, comparator='pixel', tolerance='low')",
        names="'low'",
    ),
    Case(
        "scope misspelt",
        "golden_image.check(after, coords=BOX, scope='edit_are')",
        names="did you mean 'edit_area'?",
    ),
    Case(
        "two checks of one name",
        "(golden(golden_image, '.png', png()), [golden_image.check(after, comparator='pixel') for _ in range(2)])",
        names="second golden_image gate",
    ),
    Case(
        "fact that cannot be written down", "golden_image.provenance(model=object())", names="model"
    ),
    Case(
        "fact without a name",
        "golden_image.provenance('sdxl-edit', seed=7)",
        names="write each argument as a keyword",
    ),
    Case(
        "golden, and `PIL.Image.open` is mocked",
        "golden(golden_image, '.png', png())\n"
        "    with mocked(Image, 'open'): golden_image.check(before, comparator='pixel')",
        names="PIL.Image.open is replaced by a MagicMock",
    ),
    Case(
        "golden cut off",
        "(golden(golden_image, '.png', png()[:-300]), golden_image.check(after, comparator='pixel'))",
        names="goldens/test_calls.py",
    ),
    Case(
        "golden that is empty",
        "(golden(golden_image, '.png', b''), golden_image.check(after, comparator='pixel'))",
        names="the file is empty",
    ),
    Case(
        "golden that is a Git LFS pointer",
        "(golden(golden_image, '.png', 'version https://git-lfs.github.com/spec/v1'), golden_image.check(after, comparator='pixel'))",
        names="git lfs pull",
    ),
    Case(
        "golden of another size",
        "(golden(golden_image, '.png', png(after[:32])), golden_image.check(after, comparator='pixel'))",
        "failed",
        "64x64 px, its golden 64x32 px",
    ),
    Case(
        "golden as PNG and as WebP: that of the configured format holds",
        "(golden(golden_image, '.png', png()), golden(golden_image, '.webp', png()), golden_image.check(after, comparator='pixel'))",
        gets="measured",
    ),
    Case(
        "golden that claims 20,000x20,000 pixels",
        "(golden(golden_image, '.png', claims(20_000, 20_000)), golden_image.check(after, comparator='pixel'))",
        names="400000000 pixels",
    ),
]
