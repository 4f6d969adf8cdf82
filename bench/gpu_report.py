"""What gpu_sdpa.py measured, as lines, Markdown and a drawing. Needs no GPU and no other package."""

import math

PEERS = {
    "cudnn": "cuDNN",
    "fa2": "FlashAttention-2",
    "flex": "FlexAttention",
    "own plain": "own plain causal",
    "own bf16": "our own in bf16",
}  # in the order of columns
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


# ---- Lines ----


def heading():
    return (
        f"{'variant':13}{'D':>7} {'mask':7}{'S':>6} |{'tessera':>9}{'call':>9}{'cuDNN':>9}{'FA2':>9}{'flex':>9}"
        f"{'plain':>9}{'bf16':>9} TFLOP/s"
        f" |{'/cuDNN':>8}{'/FA2':>7}{'/flex':>7}{'/plain':>7}{'/bf16':>7} | error, of rounding's"
    )


def line(row):
    """A row under the heading. A column is empty where nothing was asked for, or nobody has that variant."""
    names = ["tessera", "call", *PEERS]
    tflops = [cell(row, name) for name in names]
    ratios = [f"{row['ratio'][name]:.2f}" if name in row["ratio"] else "" for name in names[2:]]
    checks = []
    for name, error in row["errors"].items():
        if name == "tessera" or not error["passed"]:
            verdict = "" if error["passed"] else " FAILED"
            checks.append(f"{name} {error['max']:.2f} at most, {error['mean']:.2f} in the mean{verdict}")
    refusals = [f"{name}: {text}" for name, text in row["refused"].items()]
    return (
        f"{row['variant']:13}{widths(row):>7} {row['mask']:7}{row['seqlen']:6} |{tflops[0]:>9}"
        + "".join(f"{x:>9}" for x in tflops[1:]) + " " * 8 + f" |{ratios[0]:>8}"
        + "".join(f"{x:>7}" for x in ratios[1:]) + " | " + "; ".join(checks + refusals)
    )  # fmt: skip


def widths(row):
    """Of heads: D, or D/DV where values are narrower or wider."""
    own, values = row["head_dim"], row["head_dim_v"]
    return f"{own}" if values == own else f"{own}/{values}"


def cell(row, name):
    if name in row["tflops"]:
        return f"{row['tflops'][name]:.0f}"
    return "refused" if name in row["refused"] else ""


# ---- Markdown ----


def grid(rows):
    """The plain rows by (widths, mask) and seqlen."""
    lines, seqlens = {}, set()
    for row in rows:
        if row["variant"] == "plain":
            lines.setdefault((widths(row), row["mask"]), {})[row["seqlen"]] = row
            seqlens.add(row["seqlen"])
    return lines, sorted(seqlens)


def length(seqlen):
    return f"{seqlen // 1024}k" if seqlen % 1024 == 0 else f"{seqlen}"


def table(head, rows):
    text = "| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|\n"
    return text + "".join("| " + " | ".join(row) + " |\n" for row in rows)


def markdown(results):
    """The tables of docs/gpu-speed.md."""
    protocol = results["protocol"]
    driver = f", driver {results['driver']}" if results["driver"] else ""
    parts = [
        f"{results['gpu']}{driver}, torch {results['torch']}, cuDNN {results['cudnn']}; {results['date']}, commit "
        f"{results['commit'] or 'unknown'}; {results['dtype']}, {protocol['rounds']} rounds.\n"
    ]
    lines, seqlens = grid(results["rows"])
    if lines:
        measured = {name for by in lines.values() for row in by.values() for name in row["tflops"]}
        peers = [n for n in PEERS if n in measured]
        names = ["tessera", *peers]
        head = ["D, mask", *map(length, seqlens)]
        for peer in peers:
            ratios = [
                [f"{d} {mask}", *(ratio(by.get(s), peer) for s in seqlens)]
                for (d, mask), by in lines.items()
                if any(ratio(row, peer) for row in by.values())
            ]
            parts.append(f"Throughput, Tessera's over that of {PEERS[peer]}:\n\n" + table(head, ratios))
        tflops = [
            [f"{d} {mask}", *("/".join(cell(by[s], n) or "-" for n in names) if s in by else "" for s in seqlens)]
            for (d, mask), by in lines.items()
        ]
        title = " / ".join(["Tessera", *(PEERS[peer] for peer in peers)])
        parts.append(f"TFLOP/s, {title}:\n\n" + table(head, tflops))
    others = [row for row in results["rows"] if row["variant"] != "plain"]
    if others:
        peers = [n for n in ("own plain", "cudnn", "fa2", "flex") if any(n in row["tflops"] for row in others)]
        head = ["variant, D = 128, causal", "S", "TFLOP/s", *(f"over {PEERS[n]}" for n in peers)]
        rows = [
            [row["variant"], length(row["seqlen"]), cell(row, "tessera"), *(ratio(row, n) for n in peers)]
            for row in others
        ]
        parts.append("Variants, of the work that is visible:\n\n" + table(head, rows))
    if results.get("host_us"):
        rows = [[name, f"{cost:.1f}"] for name, cost in results["host_us"].items()]
        parts.append("Host time of a call:\n\n" + table(["call", "us"], rows))
    return "\n".join(parts)


def ratio(row, name):
    return f"{row['ratio'][name]:.2f}" if row and name in row["ratio"] else ""


def fill(page, results):
    """A page with the tables between its marks."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{markdown(results)}\n{END}{after}"


# ---- The drawing ----

WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 190, 58, 62, 34  # of a panel, its place, between panels
COLORS = {"full": "#1f6f8b", "causal": "#c8553d"}
GRID, TEXT, MUTED = "#dddddd", "#222222", "#666666"


def svg(results):
    """Ratios to cuDNN by length: a panel for each head width, a line for each mask."""
    lines, seqlens = grid(results["rows"])
    lines = {key: [(s, r["ratio"]["cudnn"]) for s, r in sorted(by.items()) if "cudnn" in r["ratio"]] for key, by in lines.items()}
    values = [y for points in lines.values() for _, y in points] + [1.0]
    low, high = math.floor(min(values) * 10 - 0.2) / 10, math.ceil(max(values) * 10 + 0.2) / 10
    dims = list(dict.fromkeys(d for d, _ in lines))
    total_width, total_height = LEFT + len(dims) * (WIDTH + GAP), TOP + HEIGHT + 52
    span = math.log2(seqlens[-1] / seqlens[0]) if len(seqlens) > 1 else 1

    def at_y(y):
        return TOP + HEIGHT * (high - y) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_width} {total_height}" width="{total_width}" '
        f'height="{total_height}" font-family="sans-serif" font-size="11" fill="{TEXT}">',
        f'<rect width="{total_width}" height="{total_height}" fill="white"/>',
        label(LEFT, 20, f"Forward attention, {results['dtype']}: throughput relative to cuDNN", size=14),
        label(LEFT, 36, f"{results['gpu']}, torch {results['torch']}, {results['date']}", color=MUTED),
    ]
    for i, dim in enumerate(dims):
        left = LEFT + i * (WIDTH + GAP)
        at_x = lambda s: left + 8 + (WIDTH - 16) * math.log2(s / seqlens[0]) / span
        parts.append(label(left, TOP - 8, f"D = {dim}", weight="bold"))
        for step in range(round(low * 10), round(high * 10) + 1):
            y, is_one = at_y(step / 10), step == 10
            parts.append(
                f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" '
                f'stroke="{MUTED if is_one else GRID}" stroke-width="{1.4 if is_one else 0.7}"/>'
            )
            if i == 0:
                parts.append(label(left - 6, y + 4, f"{step / 10:.1f}", anchor="end"))
        for s in seqlens:
            parts.append(label(at_x(s), TOP + HEIGHT + 16, length(s), anchor="middle"))
        for mask, color in COLORS.items():
            points = lines.get((dim, mask), [])
            path = " ".join(f"{at_x(s):.1f},{at_y(y):.1f}" for s, y in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
            for s, y in points:
                parts.append(
                    f'<circle cx="{at_x(s):.1f}" cy="{at_y(y):.1f}" r="3" fill="{color}">'
                    f"<title>D {dim} {mask}, {s}: {y:.2f}</title></circle>"
                )
    parts.append(label(LEFT, total_height - 12, "sequence length, 16384 tokens in all", color=MUTED))
    for i, (mask, color) in enumerate(COLORS.items()):
        x = total_width - GAP - 130 + 65 * i
        y = total_height - 16
        parts.append(f'<line x1="{x}" x2="{x + 16}" y1="{y}" y2="{y}" stroke="{color}" stroke-width="2"/>')
        parts.append(label(x + 20, total_height - 12, mask))
    return "\n".join([*parts, "</svg>"]) + "\n"


def label(x, y, text, anchor="start", color=TEXT, size=11, weight="normal"):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" font-size="{size}" '
        f'font-weight="{weight}">{escaped}</text>'
    )
