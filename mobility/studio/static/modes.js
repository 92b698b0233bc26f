// Cycling and car-pooling, switched on and off.
import { askJson, at, el, fill, number, t, toldBy } from "./words.js";

// A box that sets a field of the draft; its own value of the study needs no change.
function box(part, id, text, table, field, [on, off], checked, disabled) {
  return el("label", { class: "check" }, el("input", { type: "checkbox", id, checked, disabled,
    onchange: (event) => part.step({ do: "set", table, field, value: event.target.checked ? on : off }, true) }), t(text));
}

// Who of the shift shown would find a colleague to ride with.
async function tellCarpool(part, said) {
  try {
    const { carpool: found } = await askJson(at(part.study) + "/carpool?shift=" + part.page.state.pick.slice(1));
    fill(said, !found ? t("Enter the headcount of the shift: colleagues are counted among so many.")
      : t("{two} of {all} find a colleague within the detour, {three} two of them, shifts that share cars: {shifts}", { two: number(found.with_2),
        all: number(found.headcount), three: number(found.with_3), shifts: number(found.shifts) }));
  } catch (error) { fill(said, toldBy(error)); }
}

export function modesPart(part) {
  const { draft, settings } = part.about, cycles = settings.modes.cycling_counts;
  const shares = settings.carpools || Boolean(draft.carpool), said = el("p", { class: "note", id: "carpool-said", role: "status" });
  if (shares && part.page.state.pick[0] === "s") tellCarpool(part, said);
  return [
    box(part, "set-cycling", "Cycling rescues a white zone", "modes", "cycling_counts", cycles ? [null, false] : [true, null], part.value("modes", "cycling_counts")),
    box(part, "set-carpool", "Car-pooling", "carpool", "detour_min", [settings.carpool.detour_min, null], shares, settings.carpools),
    shares ? part.slider("set-detour_min", t("Detour a driver accepts (min)"), () => part.value("carpool", "detour_min"), number, [0, 30, 1], settings.carpool.detour_min,
      (value) => ({ do: "set", table: "carpool", field: "detour_min", value })) : null,
    shares ? said : null,
  ];
}
