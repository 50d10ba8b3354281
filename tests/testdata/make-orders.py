#!/usr/bin/env python3
"""Writes orders.jsonl, 1,000 bodies of POST /send, one a line. The same on every run."""
import base64
import html
import json
import pathlib
import random
import struct
import sys
import zlib

sys.dont_write_bytecode = True
from order_texts import LANGUAGES, PEOPLE  # noqa: E402

DOMAIN = "mail.demo.example"
SENDERS = {"notification": "orders", "support": "support", "marketing": "news"}
RECIPIENT_DOMAINS = ["example.net", "example.com", "example.org"]
COUNT = 1000
dice = random.Random(1001)


def mailbox(name, address):
    """A name with anything but letters, digits and blanks is quoted."""
    if all(c.isalnum() or c == " " for c in name):
        return f"{name} <{address}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'


def pdf(text):
    """The smallest PDF that shows a line of text, with a correct cross-reference table."""
    stream = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)


def png(seed):
    """A pattern of 24 by 24 coloured pixels."""
    colours = random.Random(seed)
    rows = b"".join(b"\0" + bytes(colours.choice((0, 96, 192, 255)) for _ in range(24 * 3)) for _ in range(24))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 24, 24, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def attachment(filename, content_type, content, content_id=None):
    return {"filename": filename, "contentType": content_type, "content": base64.b64encode(content).decode("ascii"), "contentId": content_id}


def basket(texts, language):
    """Lines of (item, quantity, price, total) and the sum, as texts."""
    def money(cents):
        if language == "ja":
            return texts["currency"].format(amount=f"{cents:,}")
        amount = f"{cents // 100:,}.{cents % 100:02}"
        return texts["currency"].format(amount=amount.translate(str.maketrans(",.", ".,")) if language == "de" else amount)

    lines, total = [], 0
    for item in dice.sample(texts["items"], dice.randint(1, 5)):
        quantity, price = dice.randint(1, 4), dice.randrange(250, 24_000, 5)
        total += quantity * price
        lines.append((item, str(quantity), money(price), money(quantity * price)))
    return lines, money(total)


def as_text(hello, paragraphs, lines, total, bye):
    table = "\n".join(f"  {quantity} × {item}  {price}  {sum_}" for item, quantity, price, sum_ in lines)
    return "\n\n".join([hello, *paragraphs, f"{table}\n  = {total}", f"-- \n{bye}"]) + "\n"


def as_html(language, hello, paragraphs, columns, lines, total, bye, image):
    direction = ' dir="rtl"' if language == "ar" else ""
    head = "".join(f'<th style="text-align:start;border-bottom:1px solid #999">{html.escape(column)}</th>' for column in columns)
    rows = "".join("<tr>" + "".join(f'<td style="padding:4px 12px 4px 0">{html.escape(cell)}</td>' for cell in line) + "</tr>" for line in lines)
    logo = f'<p><img src="cid:{image}" width="24" height="24" alt="logo"></p>' if image else ""
    body = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)
    return (f'<!DOCTYPE html><html lang="{language}"{direction}><head><meta charset="utf-8"><style>body{{font:15px/1.5 sans-serif;color:#222}}</style></head><body>'
            f'{logo}<p>{html.escape(hello)}</p>{body}<table cellspacing="0" role="presentation"><tr>{head}</tr>{rows}'
            f'<tr><td colspan="3"></td><td><strong>{html.escape(total)}</strong></td></tr></table>'
            f'<p>{html.escape(bye).replace(chr(10), "<br>")}</p><p><a href="https://shop.demo.example/orders?from=mail&amp;lang={language}">shop.demo.example</a></p></body></html>')


def curious(number, message):
    """The odd shapes that real mail has, each in a few messages."""
    if number % 50 == 7:
        message["subject"] += " – " + " · ".join(f"{word} ✓" for word in (message["subject"].split() * 40)[:60])
    if number % 50 == 13 and "text" in message:
        message["text"] += "\n" + "https://shop.demo.example/t/" + "".join(dice.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=1800)) + "\n"
    if number % 50 == 19 and "text" in message:
        message["text"] += "\n.\n..\n.hidden\nFrom the kitchen\n>From quoted\nblanks at the end   \n\ttab\r\nCRLF\r\n"
    if number % 50 == 23:
        message["subject"] = "👩‍🍳🧑🏽‍🔧 " + message["subject"] + " 🇩🇪✨"
    if number % 50 == 29 and "html" in message:
        message["html"] = message["html"].replace("<p>", "<p>&#8203;" + "&nbsp;&zwnj;" * 150, 1)
    if number % 50 == 37 and "text" in message:
        message["text"] += "\nשלום עולם – mixed with العربية and combining a\u0301e\u0302 \u202bRTL\u202c\n"
    if number % 50 == 43:
        message.pop("html" if number % 100 == 43 else "text", None)


def recipients(number, language):
    """To, cc and bcc; every address belongs to this order alone."""
    def one(role):
        name, local = dice.choice(PEOPLE[language])
        address = f"o{number:04}.{role}{local}@{dice.choice(RECIPIENT_DOMAINS)}"
        return name, (address if dice.random() < 0.15 else mailbox(name, address))

    name, first = one("")
    to, cc, bcc = [first], [], []
    if dice.random() < 0.15:
        for role, into in dice.sample([("b.", to), ("cc.", cc), ("bcc.", bcc)], dice.randint(1, 3)):
            into.append(one(role)[1])
    return name, to, cc, bcc


def order(number):
    language = dice.choices(["zh", "en", "de", "ja", "ar"], [34, 30, 20, 13, 3])[0]
    category = dice.choices(["notification", "support", "marketing"], [80, 11, 9])[0]
    texts = LANGUAGES[language]
    kind, subject, paragraphs = dice.choice(texts[category])
    name, to, cc, bcc = recipients(number, language)
    lines, total = basket(texts, language)
    fill = {"name": name, "order": 100_000 + number * 7, "amount": total, "code": f"{dice.randrange(10**6):06}", "tracking": f"DX{dice.randrange(10**10):010}"}
    hello, bye = dice.choice(texts["hello"]).format(**fill), dice.choice(texts["bye"])
    paragraphs = [paragraph.format(**fill) for paragraph in paragraphs]

    attachments, image = [], None
    if kind == "invoice" and dice.random() < 0.5:
        attachments.append(attachment(texts["invoice"].format(**fill), "application/pdf", pdf(f"Order {fill['order']}")))
    if dice.random() < 0.05:
        image = f"logo.{number}@{DOMAIN}"
        attachments.append(attachment("logo.png", "image/png", png(number), image))

    message = {
        "from": mailbox(texts["shop"], f"{SENDERS[category]}@{DOMAIN}"),
        "to": to,
        "cc": cc,
        "bcc": bcc,
        "replyTo": [mailbox(texts["shop"], f"help+{fill['order']}@{DOMAIN}")] if category == "support" or dice.random() < 0.2 else [],
        "subject": subject.format(**fill),
        "text": as_text(hello, paragraphs, lines, total, bye),
        "html": as_html(language, hello, paragraphs, texts["columns"], lines, total, bye, image),
        "category": category,
        "headers": {"X-Order": str(fill["order"])},
        "tags": [kind, language],
        "metadata": {"order": str(fill["order"]), "customer": f"c{dice.randrange(10**6)}"},
        "attachments": attachments,
    }
    if category == "marketing":
        message["headers"]["X-Campaign"] = f"{kind} 2026/{dice.randint(40, 48)} – {texts['shop']}"
    if image is None:
        curious(number, message)
    return {key: value for key, value in message.items() if value != []}


def main():
    path = pathlib.Path(__file__).with_name("orders.jsonl")
    lines = [json.dumps(order(number), ensure_ascii=False, separators=(",", ":")) for number in range(1, COUNT + 1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
