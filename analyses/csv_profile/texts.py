"""What the program says, in Japanese and English; how it writes values."""

# ruff: noqa: E501, Q003 - a sentence of the catalog is one line, in one kind of quotes

from datetime import date, datetime, time

from analyses.kit import texts as kit

# Why a file can't be analysed and what to do: shown to the customer as it stands.
REASONS: dict[str, tuple[str, str]] = {
    "empty": (
        "ファイルが空です。データの入ったCSVファイルをアップロードしてください。",
        "The file is empty. Please upload a CSV file with data in it.",
    ),
    "excel": (
        "Excelブックのようです。Excelで「CSV UTF-8」として保存し、そのファイルをアップロードしてください。",
        "This looks like an Excel workbook. Please save it from Excel as “CSV UTF-8” and upload that file.",
    ),
    "archive": (
        "圧縮ファイルのようです。展開して、中のCSVファイルをアップロードしてください。",
        "This looks like a compressed archive. Please unpack it and upload the CSV file inside.",
    ),
    "binary": (
        "画像やPDFなど、文字の表ではないファイルのようです。CSVファイルをアップロードしてください。",
        "This looks like an image, a PDF or another file that is not a text table. Please upload a CSV file.",
    ),
    "nul": (
        "文字以外のデータ(NULバイト)が含まれています。「CSV UTF-8」で保存し直してアップロードしてください。",
        "The file holds bytes that are not text (NUL). Please save it again as “CSV UTF-8” and upload that file.",
    ),
    "cut": (
        "ファイルが文字の途中で終わっており、保存やコピーが途中で切れたようです。元のファイルを確かめて、もう一度アップロードしてください。",
        "The file ends in the middle of a character, so it seems to have been cut off. Please check the original and upload it again.",
    ),
    "encoding": (
        "{line}行目に{encoding}として読めない文字があります。「CSV UTF-8」で保存し直してアップロードしてください。",
        "Line {line} holds characters that can't be read as {encoding}. Please save the file as “CSV UTF-8” and upload it again.",
    ),
    "encoding_unknown": (
        "文字コードを判別できません。「CSV UTF-8」で保存し直してアップロードしてください。",
        "The character encoding can't be told. Please save the file as “CSV UTF-8” and upload it again.",
    ),
    "markup": (
        "HTML、XML、またはJSONのファイルのようです。表をCSVとして保存し、そのファイルをアップロードしてください。",
        "This looks like HTML, XML or JSON. Please save the table as CSV and upload that file.",
    ),
    "one_line": (
        "1行しかなく、表として読めません。見出しの行とデータの行があるCSVファイルをアップロードしてください。",
        "There is only one line, which is no table. Please upload a CSV file with a header row and rows of data.",
    ),
    "no_table": (
        "表になっていません。列がカンマ、タブ、セミコロン、縦棒のいずれかで区切られたCSVファイルをアップロードしてください。",
        "This is not a table. Please upload a CSV file whose columns are separated by commas, tabs, semicolons or vertical bars.",
    ),
    "header_only": (
        "見出しだけで、データの行がありません。データの行が入ったCSVファイルをアップロードしてください。",
        "There is a header but no row of data below it. Please upload a CSV file with rows of data.",
    ),
    "ragged": (
        "行によって列の数が大きく異なり、1つの表として読めません。列の数をそろえてアップロードしてください。",
        "The number of columns differs too much from row to row to be one table. Please make the rows equally wide and upload the file again.",
    ),
    "broken": (
        "引用符(\")の対応が崩れているなどして、最後まで読めません。CSVとして書き出し直してアップロードしてください。",
        'The file can\'t be read to its end; a quotation mark (") may be unbalanced. Please export it as CSV again and upload that file.',
    ),
    "too_many_columns": (
        "列が{columns}個あります。扱えるのは{limit}列までです。必要な列だけにしてアップロードしてください。",
        "The file has {columns} columns; up to {limit} can be analysed. Please keep the columns you need and upload it again.",
    ),
    "huge_field": (
        "1つのセルまたは1行が大きすぎます(1MB超)。引用符(\")の閉じ忘れがないか確かめて、もう一度アップロードしてください。",
        'A single cell or line is too large (over 1 MB). Please check for an unclosed quotation mark (") and upload the file again.',
    ),
}  # fmt: skip

LABELS: dict[str, tuple[str, str]] = {
    "title": ("CSVプロファイル", "CSV profile"),
    "title_quick": ("かんたんCSVプロファイル", "CSV quick look"),
    "lead": (
        "{rows}行、{columns}列の表です。値のない欄は全体の{missing}です。",
        "A table of {rows} rows and {columns} columns. {missing} of all cells have no value.",
    ),
    "overview": ("概要", "Overview"),
    "rows": ("行数", "Rows"),
    "columns": ("列数", "Columns"),
    "missing_share": ("欠損の割合", "Missing cells"),
    "period": ("期間", "Period"),
    "encoding": ("文字コード", "Encoding"),
    "delimiter": ("区切り文字", "Delimiter"),
    "preamble": ("読み飛ばした前書き", "Lines before the table"),
    "preamble_value": ("{count}行", "{count} skipped"),
    "header_rows": ("見出し行", "Header rows"),
    "header_value": ("{count}行", "{count}"),
    "caption": ("全列に共通の見出し", "Heading of all columns"),
    ",": ("カンマ", "comma"),
    "\t": ("タブ", "tab"),
    ";": ("セミコロン", "semicolon"),
    "|": ("縦棒", "vertical bar"),
    "\x1f": ("なし(1列)", "none (one column)"),
    "notes": ("読み取りについて", "How the file was read"),
    "note_headers": (
        "{count}行の見出しを1つにまとめ、同じ名前には番号を付けました。",
        "{count} header rows were joined into one; repeated names got a number.",
    ),
    "note_no_header": (
        "見出し行が見つからないため、列に番号を付けました。",
        "No header row was found, so the columns are numbered.",
    ),
    "note_blank": ("値が1つもない{count}行を除きました。", "{count} rows without any value were left out."),
    "note_long": (
        "列の数より長い行が{count}行あり、はみ出した値は使っていません。",
        "{count} rows are longer than the header; what stands beyond it was not used.",
    ),
    "note_dropped": (
        "名前も値もない{count}列を除きました。",
        "{count} columns without name and value were left out.",
    ),
    "note_unreadable": (
        "「{name}」の{count}個の値は{kind}として読めないため、集計から除きました。",
        "{count} values of “{name}” do not read as {kind} and were left out of its figures.",
    ),
    "note_sampled": (
        "行数が多いため、分位点と分布は等間隔に選んだ約{count}行から求めました。",
        "As the file is long, quantiles and distributions come from about {count} evenly spaced rows.",
    ),
    "note_estimate": (
        "異なる値がとても多い列では、その数は概数(約)です。",
        "Where a column has very many different values, their number is an estimate (about).",
    ),
    "note_plots": (
        "図は先頭から{count}列分を載せています。ほかの列の数値は表にあります。",
        "Plots are shown for the first {count} columns; the figures of the others are in the table.",
    ),
    "all_columns": ("列の一覧", "All columns"),
    "column": ("列", "Column"),
    "type": ("型", "Type"),
    "missing": ("欠損", "Missing"),
    "unreadable": ("読めない値", "Unreadable"),
    "unique": ("異なる値の数", "Distinct values"),
    "about": ("約{count}", "about {count}"),
    "min": ("最小", "Minimum"),
    "q05": ("5%点", "5th percentile"),
    "q25": ("25%点", "25th percentile"),
    "median": ("中央値", "Median"),
    "q75": ("75%点", "75th percentile"),
    "q95": ("95%点", "95th percentile"),
    "max": ("最大", "Maximum"),
    "mean": ("平均", "Mean"),
    "sd": ("標準偏差", "Standard deviation"),
    "first": ("最初", "Earliest"),
    "last": ("最後", "Latest"),
    "range": ("範囲・多い値", "Range, frequent values"),
    "value": ("値", "Value"),
    "count": ("件数", "Count"),
    "share": ("割合", "Share"),
    "top_values": ("多い値", "Frequent values"),
    "constant": ("すべて同じ値です: {value}", "All values are the same: {value}"),
    "all_different": ("値はすべて異なります。", "All values differ."),
    "all_missing": ("この列には値がありません。", "This column has no values."),
    "too_many_words": (
        "異なる文字列がとても多いため、多い値は数えていません。",
        "There are too many different texts to count the frequent ones.",
    ),
    "outside": (
        "離れた{count}個の値は図の外にあります。",
        "{count} far-off values lie outside the plot.",
    ),
    "by_column": ("列ごとの詳細", "Each column"),
    "over_time": ("時間による変化", "Over time"),
    "over_lead": (
        "「{name}」を横軸に、{step}を示します。",
        "By “{name}”; shown is {step}.",
    ),
    "over_thin": (
        "行数がふだんの10%に満たないところは、平均の線から除いています。",
        "Where there are fewer than 10% of the usual rows, the mean is not drawn.",
    ),
    "over_cut": ("先頭の{count}列を載せています。", "Shown are the first {count} columns."),
    "rows_over_time": ("行数の変化", "Rows over time"),
    "step_one": ("各行の値", "the value of each row"),
    "step_1m": ("1分ごとの平均", "the mean of each minute"),
    "step_1h": ("1時間ごとの平均", "the mean of each hour"),
    "step_1d": ("1日ごとの平均", "the mean of each day"),
    "step_1w": ("1週間ごとの平均", "the mean of each week"),
    "step_1mo": ("1か月ごとの平均", "the mean of each month"),
    "step_1y": ("1年ごとの平均", "the mean of each year"),
    "over_time_of": ("「{name}」の時間による変化", "{name} over time"),
    "over_1m": ("「{name}」の1分ごとの平均", "{name}: mean of each minute"),
    "over_1h": ("「{name}」の1時間ごとの平均", "{name}: mean of each hour"),
    "over_1d": ("「{name}」の1日ごとの平均", "{name}: mean of each day"),
    "over_1w": ("「{name}」の1週間ごとの平均", "{name}: mean of each week"),
    "over_1mo": ("「{name}」の1か月ごとの平均", "{name}: mean of each month"),
    "over_1y": ("「{name}」の1年ごとの平均", "{name}: mean of each year"),
    "spread_of": ("「{name}」の分布", "Distribution of {name}"),
    "unique_of": ("各列の異なる値の数", "Distinct values of each column"),
    "correlations": ("相関", "Correlations"),
    "corr_lead": (
        "数値の列どうしの関係の強さ(ピアソンの相関係数 r)です。1に近いほど一緒に増え、-1に近いほど逆に動きます。相関は原因を示すものではありません。",
        "How strongly numeric columns move together (Pearson's r). Near 1 they rise together, near -1 one falls as the other rises. It does not tell what causes what.",
    ),
    "corr_cut": (
        "先頭の{count}列を比べました。",
        "The first {count} numeric columns were compared.",
    ),
    "corr_sampled": ("等間隔に選んだ{count}行から求めました。", "Computed from {count} evenly spaced rows."),
    "corr_none": ("はっきりした相関(|r| 0.3以上)は見つかりませんでした。", "No clear correlation (|r| of 0.3 or more) was found."),
    "corr_plus_strong": ("「{one}」が大きいほど「{other}」も大きい傾向がはっきりあります", "“{one}” and “{other}” rise together closely"),
    "corr_minus_strong": ("「{one}」が大きいほど「{other}」は小さい傾向がはっきりあります", "“{other}” falls closely as “{one}” rises"),
    "corr_plus": ("「{one}」が大きいほど「{other}」も大きい傾向があります", "“{other}” tends to be larger where “{one}” is larger"),
    "corr_minus": ("「{one}」が大きいほど「{other}」は小さい傾向があります", "“{other}” tends to be smaller where “{one}” is larger"),
    "one": ("列1", "Column 1"),
    "other": ("列2", "Column 2"),
    "integer": ("整数", "integer"),
    "number": ("数値", "number"),
    "text": ("文字列", "text"),
    "category": ("カテゴリ", "category"),
    "date": ("日付", "date"),
    "datetime": ("日時", "date and time"),
    "time": ("時刻", "time of day"),
    "boolean": ("二択", "yes or no"),
    "empty": ("空", "empty"),
    "true": ("はい", "yes"),
    "false": ("いいえ", "no"),
    "order": ("注文番号", "Order"),
    "plot_of": ("図: {name}", "Plot: {name}"),
    "skip": ("目次", "Contents"),
}  # fmt: skip


class Texts(kit.Texts):
    """The program's texts in one language."""

    def __init__(self, locale: str) -> None:
        super().__init__(LABELS, locale)

    def value(self, value: object) -> str:
        """Write one value for reading."""
        if value is None:
            return "–"  # noqa: RUF001 - an en dash in a table's cell
        if isinstance(value, bool):
            return self("true" if value else "false")
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M:%S}" if value.second else f"{value:%Y-%m-%d %H:%M}"
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, time):
            return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"
        return kit.number(value) if isinstance(value, int | float) else str(value)
