// Writing: the golden files' diff first. What is written is what was shown, or nothing: the hashes of the
// files go along, and where one is another by now the server answers with the new diff.

const diffed = make("div", { class: "files", tabindex: "0", role: "region", "aria-label": "Changes" });
const diffTitle = make("h2", { id: "diff-title" });
const diffSaid = make("p", { id: "diff-said", role: "status" });
const writing = make("button", { type: "button", id: "write-now" });
const closing = make("button", { value: "" }, "Close");
const diff = make(
  "dialog",
  { id: "diff", "aria-labelledby": "diff-title" },
  diffTitle,
  diffSaid,
  diffed,
  make("form", { method: "dialog", class: "ends" }, writing, closing),
);
document.body.append(diff);
let plan = null;

async function openDiff() {
  if (buttonOf("write").disabled) {
    tell("Nothing is accepted that is not written.");
    return;
  }
  tell("Working out what would change…");
  const answer = await ask_server("/plan", {});
  tell("");
  if (answer.status !== 200) {
    tell(answer.error, true);
    return;
  }
  showPlan(answer, "");
  openDialog(diff);
}

function showPlan(found, text) {
  plan = found;
  const { files, cases: accepted, left, looser, problems } = found;
  diffTitle.textContent = files.length === 1 ? "1 golden file would change" : `${files.length} golden files would change`;
  diffSaid.textContent = text || `${accepted.length} accepted. This is what would be written.`;
  diffSaid.classList.toggle("failed", Boolean(text));
  diffed.replaceChildren(
    ...problems.map((problem) => make("p", { class: "problem" }, problem)),
    ...left.map(({ test, why }) => make("p", { class: "problem" }, `Left: ${test}: ${why}`)),
    ...looser.map(({ test, how }) => make("p", { class: "looser" }, `${test}: ${how}`)),
    ...files.map(shownFile),
  );
  writing.textContent = files.length === 0 ? "Mark as written" : files.length === 1 ? "Write 1 file" : `Write ${files.length} files`;
  writing.hidden = files.length === 0 && (left.length > 0 || problems.length > 0);
  writing.disabled = false;
}

function shownFile(file) {
  const what = file.before === null ? "new" : file.after === null ? "removed" : "changed";
  const box = make("section", { class: "file" }, make("h3", {}, file.path, make("span", { class: what }, ` ${what}`)));
  if (file.diff) {
    const lines = file.diff.map((line) => make("span", { class: kindOf(line) }, `${line}\n`));
    box.append(make("pre", {}, ...lines));
    return box;
  }
  const pair = make("div", { class: "pair" });
  for (const [title, sha256] of [["now", file.old], ["to be", file.new]]) {
    const figure = make("figure", {}, make("figcaption", {}, title));
    if (sha256 === null) figure.append("none");
    else figure.append(make("img", { src: `/goldens/${sha256}`, alt: `${file.path}, ${title}`, loading: "lazy" }));
    pair.append(figure);
  }
  box.append(pair);
  return box;
}

function kindOf(line) {
  if (line.startsWith("+++") || line.startsWith("---")) return "name";
  return { "+": "added", "-": "gone", "@": "place" }[line[0]] || "same";
}

writing.addEventListener("click", async () => {
  writing.disabled = true;
  const files = {};
  for (const { path, before, after } of plan.files) files[path] = { before, after };
  const answer = await ask_server("/write", { files });
  await refresh();
  if (answer.status === 409 && answer.plan) {
    showPlan(answer.plan, answer.error);
    return;
  }
  writing.hidden = true;
  const written = answer.written || [];
  if (answer.status !== 200) {
    diffSaid.textContent = answer.error;
    diffSaid.classList.add("failed");
  } else {
    diffTitle.textContent = written.length === 1 ? "1 golden file was written" : `${written.length} golden files were written`;
    diffSaid.textContent = `Review the change and commit it; then run pytest.${answer.still ? ` But ${answer.still}.` : ""}`;
    diffSaid.classList.remove("failed");
    undoable.length = 0;
    tell(`${diffTitle.textContent}; run pytest`);
    count();
  }
  closing.focus();
});
