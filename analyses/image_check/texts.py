"""What the program says, in Japanese and English."""

# ruff: noqa: E501, RUF001 - a sentence of the catalog is one line, with the signs of print

from analyses.kit.texts import Texts

# Why a file can't be analysed and what to do: shown to the customer as it stands.
REASONS: dict[str, tuple[str, str]] = {
    "empty": (
        "ファイルが空です。写真のファイルをアップロードしてください。",
        "The file is empty. Please upload a photo.",
    ),
    "heic": (
        "HEICまたはAVIFの写真のようです。iPhoneでは「設定 → カメラ → フォーマット → 互換性優先」で撮るか、JPEGに変換してアップロードしてください。",
        "This looks like a HEIC or AVIF photo. Please convert it to JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible) and upload that file.",
    ),
    "not_image": (
        "扱える画像ではありません。JPEG、PNG、TIFF、またはWebPの写真をアップロードしてください。",
        "This is not a picture that can be checked. Please upload a JPEG, PNG, TIFF or WebP photo.",
    ),
    "broken": (
        "画像が途中で切れているか壊れていて、最後まで読めません。元のファイルを開けるか確かめて、もう一度アップロードしてください。",
        "The picture is cut off or damaged and can't be read to its end. Please check that the original opens, and upload it again.",
    ),
    "too_large": (
        "画素数が多すぎます。扱えるのは{limit}メガピクセル、1辺65,000画素までです。縮小してアップロードしてください。",
        "The picture has too many pixels. Up to {limit} megapixels and 65,000 pixels a side can be checked. Please make it smaller and upload it again.",
    ),
    "too_small": (
        "画像が{width} × {height}画素しかなく、調べられません。元の大きな写真をアップロードしてください。",
        "The picture has only {width} × {height} pixels, too few to check. Please upload the original photo.",
    ),
    "mode": (
        "この画像の色の形式({mode})は写真として扱えません。8ビットまたは16ビットのRGB、CMYK、グレースケールで保存してアップロードしてください。",
        "Pictures of this kind ({mode}) can't be checked as photos. Please save it as RGB, CMYK or greyscale with 8 or 16 bits and upload it again.",
    ),
}  # fmt: skip

LABELS: dict[str, tuple[str, str]] = {
    "title": ("写真の印刷チェック", "Photo print check"),
    "lead_fine": ("{paper}まで、細部まできれいに印刷できます。", "It prints with fine detail up to {paper}."),
    "lead_fair": (
        "{paper}まで、ふつうに見るにはきれいに印刷できます。それより大きいと粗さが目につきます。",
        "It prints well enough up to {paper}; larger prints will look coarse.",
    ),
    "lead_none": (
        "印刷には画素または解像感が足りません。L判でも粗く見えます。",
        "It has too little detail for printing: even the smallest print (L, 89 × 127 mm) will look coarse.",
    ),
    "lead_warnings": ("印刷の前に確かめたい点が{count}つあります。", "Points to look at before printing: {count}."),
    "lead_no_warnings": ("ほかに気になる点はありません。", "Nothing else stands out."),
    "photo": ("調べた写真", "The photo"),
    "remarks": ("印刷の前に", "Before you print"),
    "warning": ("確認", "Check"),
    "note": ("参考", "Note"),
    "remark_place": (
        "撮影場所(GPS)が記録されています。人に渡したり公開したりする前に消してください。結果のcorrected.jpgからは除いてあります。",
        "The place where it was taken (GPS) is stored in the file. Remove it before you pass the file on. It is not in corrected.jpg of the result.",
    ),
    "remark_names": (
        "撮影者名や機器の番号が記録されています。人に渡す前に消してください。結果のcorrected.jpgからは除いてあります。",
        "A name of the photographer or a serial number is stored in the file. Remove it before you pass the file on. It is not in corrected.jpg of the result.",
    ),
    "remark_soft": (
        "画素数のわりに細部がありません。実際の解像感は1辺あたり{share}ほどです。ピントや手ぶれ、拡大した画像でないかを確かめてください。",
        "It holds less detail than its pixels promise: about {share} of them along each side. It may be out of focus, shaken or enlarged.",
    ),
    "remark_white": (
        "全体の{share}が白く飛んでいます。印刷でもその部分は紙の白のままです。",
        "{share} of the picture is blown out and will stay as white as the paper.",
    ),
    "remark_black": (
        "全体の{share}が黒くつぶれています。印刷すると、さらに見えにくくなります。",
        "{share} of the picture is solid black; in print even more will be lost.",
    ),
    "remark_dark": (
        "全体に暗い写真です。印刷は画面より暗く見えるため、明るくしてからの印刷をおすすめします。",
        "The picture is dark. Prints look darker than screens, so brighten it first.",
    ),
    "remark_bright": (
        "全体にとても明るい写真です。明るい部分の色が薄く印刷されます。",
        "The picture is very bright; its light parts will print pale.",
    ),
    "remark_dull": (
        "明暗の幅が狭く、印刷するとぼんやりした印象になります。コントラストを上げると見やすくなります。",
        "There is little between its darkest and brightest parts, so it will print flat. More contrast helps.",
    ),
    "remark_noisy": (
        "ざらつき(ノイズ)が多めです。大きな印刷では目につきます。",
        "It is rather noisy, which shows in large prints.",
    ),
    "remark_cmyk": (
        "CMYKの画像です。印刷所への入稿には向きますが、写真店や家庭のプリンターではRGBに変換してください。",
        "It is a CMYK picture: right for a printing house, but photo shops and home printers want RGB.",
    ),
    "remark_cmyk_bare": (
        "CMYKの画像ですが、カラープロファイルがありません。印刷する機械によって色が変わります。",
        "It is a CMYK picture without a colour profile; its colours will differ from printer to printer.",
    ),
    "remark_profile": (
        "カラープロファイルは「{name}」です。sRGBとして扱う店では色が変わって見えます。結果のcorrected.jpgはsRGBに変換してあります。",
        "Its colour profile is “{name}”. Shops that take everything for sRGB will print other colours. corrected.jpg of the result is in sRGB.",
    ),
    "remark_few_colours": (
        "色の数が限られた形式です。写真のなめらかな階調は出ません。",
        "It is stored with few colours, so smooth shades are lost.",
    ),
    "remark_transparent": (
        "透明な部分があります。印刷では紙の白になります(結果のcorrected.jpgは白地にしました)。",
        "Parts are transparent. In print they are the white of the paper, as in corrected.jpg of the result.",
    ),
    "remark_turned": (
        "向きは付加情報(EXIF)で示されています。無視する機器では横倒しになります。結果のcorrected.jpgは正しい向きにしてあります。",
        "Which side is up is told in its metadata (EXIF), which some devices ignore. corrected.jpg of the result is upright.",
    ),
    "remark_deep": (
        "16ビットの画像です。8ビットに直して調べました。",
        "It has 16 bits a pixel; it was checked with 8.",
    ),
    "remark_frames": (
        "{count}枚の画像が入っています。最初の1枚を調べました。",
        "The file holds {count} pictures; the first one was checked.",
    ),
    "remark_flat": (
        "細かい模様や輪郭がないため、解像感は調べられません。画素数だけで判断しました。",
        "There is nothing fine in it to judge its sharpness by, so only the pixels were counted.",
    ),
    "sizes": ("用紙サイズごとの仕上がり", "At each paper size"),
    "sizes_lead": (
        "紙いっぱい(フチなし)に印刷したときの値です。実質dpiは、画素数に加えて写真の解像感を考えに入れています。",
        "Printed to the edges of the paper. Real dpi counts only pixels that hold detail.",
    ),
    "paper": ("用紙", "Paper"),
    "width_mm": ("短辺 (mm)", "Short side (mm)"),
    "height_mm": ("長辺 (mm)", "Long side (mm)"),
    "dpi": ("dpi", "dpi"),
    "real_dpi": ("実質dpi", "Real dpi"),
    "needs_300": ("300dpiに必要な画素", "Pixels for 300 dpi"),
    "needs_350": ("350dpiに必要な画素", "Pixels for 350 dpi"),
    "grade": ("写真プリント", "Photo print"),
    "offset": ("印刷所への入稿 (350dpi)", "Printing house (350 dpi)"),
    "fine": ("きれい", "fine"),
    "fair": ("ふつう", "fair"),
    "far": ("離れて見るなら可", "from a distance"),
    "coarse": ("粗い", "coarse"),
    "yes": ("足りる", "enough"),
    "no": ("足りない", "not enough"),
    "paper_l": ("L判", "L (89 × 127 mm)"),
    "paper_postcard": ("はがき", "Postcard (100 × 148 mm)"),
    "paper_2l": ("2L判", "2L (127 × 178 mm)"),
    "paper_a5": ("A5", "A5"),
    "paper_a4": ("A4", "A4"),
    "paper_a3": ("A3", "A3"),
    "paper_a2": ("A2", "A2"),
    "light": ("明るさ", "Brightness"),
    "light_lead": (
        "左が暗く、右が明るい画素の数です。両端に高い山があると、そこは黒つぶれや白飛びです。",
        "Dark pixels are on the left, bright ones on the right. High peaks at the very ends are parts without drawing.",
    ),
    "histogram_of": ("明るさの分布", "How bright the pixels are"),
    "pixel_share": ("画素の割合 (%)", "Share of pixels (%)"),
    "red": ("赤", "Red"),
    "green": ("緑", "Green"),
    "blue": ("青", "Blue"),
    "mean": ("平均の明るさ (0〜255)", "Mean brightness (0 to 255)"),
    "white": ("白飛び", "Blown out"),
    "black": ("黒つぶれ", "Solid black"),
    "noise": ("ノイズ (標準偏差)", "Noise (standard deviation)"),
    "laplacian": ("鮮鋭さ (ラプラシアンの分散)", "Sharpness (variance of the Laplacian)"),
    "detail": ("解像感", "Real detail"),
    "detail_value": ("1辺あたり {share}", "{share} along each side"),
    "detail_full": ("画素どおり", "as many as its pixels"),
    "detail_none": ("判断できません", "can't be told"),
    "colours": ("主な色", "Main colours"),
    "colour": ("色", "Colour"),
    "share": ("割合", "Share"),
    "file": ("ファイル", "The file"),
    "pixels": ("画素数", "Pixels"),
    "megapixels": ("メガピクセル", "Megapixels"),
    "format": ("形式", "Format"),
    "mode": ("色の形式", "Colour mode"),
    "profile": ("カラープロファイル", "Colour profile"),
    "no_profile": ("なし(sRGBとみなしました)", "none (taken for sRGB)"),
    "size": ("ファイルの大きさ", "File size"),
    "largest": ("きれいに印刷できる最大の用紙", "Largest fine print"),
    "warnings": ("印刷前に確かめたい点", "Points to look at before printing"),
    "camera": ("カメラ", "Camera"),
    "lens": ("レンズ", "Lens"),
    "taken": ("撮影日時", "Taken"),
    "exposure_time": ("シャッター速度", "Shutter speed"),
    "aperture": ("絞り", "Aperture"),
    "iso": ("ISO感度", "ISO"),
    "focal_length": ("焦点距離", "Focal length"),
    "software": ("ソフトウェア", "Software"),
    "item": ("項目", "Item"),
    "value": ("値", "Value"),
    "order": ("注文番号", "Order"),
}  # fmt: skip


def in_language(locale: str) -> Texts:
    """Return the texts in one language."""
    return Texts(LABELS, locale)
