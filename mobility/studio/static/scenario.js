// The draft as a scenario of the map page, answered by the server.
import { ask, at, t, wait } from "./words.js";

const NO_GAIN = [0, 0, 0, 0];

// The answer of the server: a JSON text between its length and the arrays it tells.
async function unpack(answer) {
  const data = await answer.arrayBuffer(), size = new DataView(data).getUint32(0, true);
  const found = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, size)));
  const kinds = {};
  let from = 4 + size;
  for (const [kind, length] of found.arrays) {
    kinds[kind] = new Uint8Array(data, from, length);
    from += length;
  }
  return { ...found, arrays: kinds };
}

// A scenario of the page's whose rows come from the server when they are asked for.
export class LiveScenario {
  constructor(page, study) {
    Object.assign(this, { page, study, known: new Map(), reasons: new Map(), steps: [], turn: 0, isBusy: () => false });
    const { manifest } = page, modes = manifest.modes.length;
    const present = manifest.scenarios[0];
    const shownOf = (row) => {
      if (row < manifest.keys.length) {
        const [shift, day, mode] = manifest.keys[row];
        return { pick: "s" + shift, day, mode };
      }
      const rest = row - manifest.keys.length;
      return { pick: "r" + Math.floor(rest / modes), day: 0, mode: rest % modes };
    };
    const zoneOf = (row) => (row < manifest.zones.length
      ? { pick: "s" + manifest.zones[row][0], day: manifest.zones[row][1], mode: 0 }
      : { pick: "r" + (row - manifest.zones.length), day: 0, mode: 0 });
    const rowsOf = (kind, list, shown) => list.map((_, row) => () => this.answer(shown(row)).then((a) => a.arrays[kind]));
    const zonesOf = (list) => list.map((_, row) => () => this.zones(zoneOf(row)).then((a) => a.arrays.zone));
    const sparse = (length, row, value, other) => {
      const list = new Array(length).fill(other);
      list[row] = value;
      return list;
    };
    const areas = (length, row, values) => {
      const all = new Int32Array(length * values.length);
      all.set(values, row * values.length);
      return all;
    };
    const now = () => this.answer(this.shown), white = () => this.zones(this.shown);
    const keys = present.out.length, zones = present.zone.length;
    this.entry = {
      name: t("What if…"), dates: present.dates, fix: null,
      out: rowsOf("out", present.out, shownOf), back: rowsOf("back", present.back, shownOf),
      over: rowsOf("over", present.over, shownOf), zone: zonesOf(present.zone),
      share: present.share === null ? null : present.share.map((_, k) => () => this.answer(
        { pick: "r" + Math.floor(k / modes), day: 0, mode: k % modes }).then((a) => a.arrays.share)),
      figures: {
        // Another shift may be chosen by the time they come: its row is read, and then drawn anew.
        modes: () => now().then((a) => new Array(keys).fill(a.mode)),
        zones: () => white().then((a) => new Array(zones).fill(a.zone)),
        gains: () => now().then((a) => sparse(keys, a.row, a.gain, a.gain ? a.gain.map(() => NO_GAIN) : undefined)),
        area_modes: () => now().then((a) => areas(keys, a.row, a.area_mode)),
        area_zones: () => white().then((a) => areas(zones, a.zone_row, a.area_zone)),
      },
    };
    manifest.scenarios.push(this.entry);
    this.index = manifest.scenarios.length - 1;
  }

  get shown() {
    const { pick, day, mode } = this.page.state;
    return { pick, day, mode };
  }

  // What the map shows of the draft, with the steps of the hand still moving.
  answer(shown) {
    const key = [shown.pick, shown.day, shown.mode].join("/");
    if (!this.known.has(key)) this.known.set(key, this.request(shown, this.steps, false, "times"));
    return this.known.get(key);
  }

  // Why homes fail takes as long again: it is asked for once the hand rests, or as the map shows it.
  zones(shown) {
    const key = [shown.pick, shown.day].join("/");
    if (!this.reasons.has(key)) this.reasons.set(key, this.whenStill(shown));
    return this.reasons.get(key);
  }

  async whenStill(shown) {
    const { turn } = this;
    while (turn === this.turn && this.isBusy()) await wait(30);
    return turn === this.turn ? this.request(shown, this.steps, false, "zones") : this.zones(shown);
  }

  get part() { return ["white", "reason"].includes(this.page.state.measure) ? "all" : "times"; }

  async request(shown, steps, commit, part) {
    return unpack(await ask(at(this.study) + "/live", { shown, steps, commit, part }));
  }

  // Take the answer of other steps as what the map shows.
  take(answer, shown, steps) {
    this.forget();
    this.steps = steps;
    this.known.set([shown.pick, shown.day, shown.mode].join("/"), Promise.resolve(answer));
    if (answer.arrays.zone) this.reasons.set([shown.pick, shown.day].join("/"), Promise.resolve(answer));
  }

  forget() {
    this.turn += 1;
    this.known.clear();
    this.reasons.clear();
    this.steps = [];
  }
}
