#!/usr/bin/python3
"""Makes threat_model/diagram.dot (and, with graphviz, diagram.svg) and docs/THREAT_MODEL.md from threat_model/model.yaml.

    render.py    writes them; check.py says when they are out of date
"""
import html
import pathlib
import subprocess
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
SHAPES = {"process": 'shape=box, style="rounded,filled", fillcolor="#e8f0fb", color="#1f4e8c"',
          "store": 'shape=cylinder, style=filled, fillcolor="#f6f2e4", color="#8a6d1d"',
          "attacker": 'shape=box, style="rounded,filled", fillcolor="#fbe9e7", color="#b3261e"',
          "kernel": 'shape=box, style=filled, fillcolor="#eaf5ea", color="#2e6b30"'}


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def edge_label(text):
    """On white, so that no frame crosses the words."""
    return '<<table border="0" cellborder="0" cellspacing="0" cellpadding="1"><tr><td bgcolor="white">' + \
        html.escape(text).replace("\n", "<br/>") + "</td></tr></table>>"


def dot(model):
    out = ["// Made by threat_model/render.py from model.yaml.", "digraph threat_model {",
           '  graph [rankdir=LR, fontname="sans-serif", fontsize=13, nodesep=0.7, ranksep=1.7, compound=true, newrank=true, bgcolor=white, pad=0.3];',
           '  node [fontname="sans-serif", fontsize=13, margin="0.18,0.1"];', '  edge [fontname="sans-serif", fontsize=11, color="#333333"];']
    for zone in model["diagram"]["zones"]:
        colour = "#b3261e" if zone.get("hostile") else "#555555"
        out += [f"  subgraph {quoted('cluster_' + zone['id'])} {{",
                f'    label={quoted(zone["label"])}; style=dashed; color="{colour}"; fontcolor="{colour}"; margin=16;']
        out += [f"    {quoted(node['id'])} [label={quoted(node['label'])}, {SHAPES[node['kind']]}];" for node in zone["nodes"]]
        out.append("  }")
    for flow in model["diagram"]["flows"]:
        label = flow["label"] + (f"\n[{flow['boundary']}]" if "boundary" in flow else "")
        style = ', color="#b3261e", fontcolor="#b3261e", style=dashed' if flow.get("hostile") else ""
        style += ", dir=both, penwidth=2" if flow.get("both") else ""
        out.append(f"  {quoted(flow['from'])} -> {quoted(flow['to'])} [label={edge_label(label)}{style}];")
    return "\n".join(out + ["}", ""])


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def code(names):
    return "<br>".join(f"`{name}`" for name in names) or "–"


def table(heads, body):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return lines + ["| " + " | ".join(row) + " |" for row in body] + [""]


def page(model):
    out = ["<!-- Made by threat_model/render.py from threat_model/model.yaml: change that, not this. -->", "# Threat model", "",
           "Who may attack a Penstock channel, with what, what stops them, and which test shows it. The source is "
           "[`threat_model/model.yaml`](../threat_model/model.yaml); a test holds it against the code, the tests and "
           "[the protocol](PROTOCOL.md), and fails when a row names what is not there.", "",
           "![Data flows and trust boundaries](../threat_model/diagram.svg)", "",
           "Dashed frames are trust boundaries; names in brackets are rows of the table of boundaries; red is hostile.", "", "## Assets", ""]
    out += table(["asset", "where", "protection"], [[cell(a["asset"]), cell(a["where"]), cell(a["protection"])] for a in model["assets"]])
    out += ["## Actors", ""]
    out += table(["id", "actor", "can", "cannot", "defended against"],
                 [[f"`{a['id']}`", cell(a["actor"]), cell("; ".join(a["can"])), cell("; ".join(a["cannot"])), "yes" if a["in_scope"] else "no"]
                  for a in model["actors"]])
    out += ["## Trust boundaries", ""]
    out += table(["id", "between", "exposed", "literally", "weak points", "code"],
                 [[f"`{b['id']}`", cell(b["between"]), cell("; ".join(b["exposed"])), "<br>".join(cell(x) for x in b["literal"]),
                   "<br>".join(cell(x) for x in b["weaknesses"]), code(b["code"])] for b in model["boundaries"]])
    out += ["## Claims", ""]
    out += table(["id", "claim", "code", "tests"], [[c["id"], cell(c["claim"]), code(c["code"]), code(c["tests"])] for c in model["claims"]])
    tested = [a for a in model["attacks"] if a["status"] == "tested"]
    out += ["## Attacks", "", f"{len(tested)} of {len(model['attacks'])} are tested here; the others have no carrier or platform to run on yet.", ""]
    for attack in model["attacks"]:
        out += [f"### {attack['id']} {cell(attack['attack'])}", ""]
        if attack["status"] == "planned":
            out += [f"**Not tested yet.** {attack['reason']}.", ""]
        out += [f"- Actors: {', '.join(f'`{a}`' for a in attack['actors'])}", f"- Mitigation: {attack['mitigation']}.",
                f"- Left over: {attack['residual']}."]
        for title, names in (("Code", attack["code"]), ("Requirements", attack["requirements"]), ("Tests", attack["tests"])):
            if names:
                out.append(f"- {title}: " + ", ".join(f"`{name}`" for name in names))
        out.append("")
    out += ["## What is not a goal", ""] + table(["what", "why"], [[cell(n["what"]), cell(n["why"])] for n in model["non_goals"]])
    out += ["## What is not claimed", ""] + [f"- {text}" for text in model["not_claimed"]] + [""]
    out += ["## Requirements without a row above", ""]
    out += table(["requirement", "tests, or why none"],
                 [[requirement, code(entry) if isinstance(entry, list) else cell(entry["reason"]) + "."]
                  for requirement, entry in model["requirements"].items()])
    return "\n".join(out).rstrip("\n") + "\n"


def outputs(model):
    """{path from the root: text}. The SVG is not among them: another graphviz draws the same graph with other bytes."""
    return {"threat_model/diagram.dot": dot(model), "docs/THREAT_MODEL.md": page(model)}


def main():
    model = yaml.safe_load((HERE / "model.yaml").read_text())
    for path, text in outputs(model).items():
        (HERE.parent / path).write_text(text)
    subprocess.run(["dot", "-Tsvg", "-o", str(HERE / "diagram.svg"), str(HERE / "diagram.dot")], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
