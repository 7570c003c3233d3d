/** Images for a message: read from a file, or drawn on the spot. */

import type { Image } from "./conversation";

/** Bytes of an image at most; the data plane takes more, but pages stall. */
export const LARGEST = 4 * 1024 * 1024;

export async function imageFrom(file: File): Promise<Image> {
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result)));
    reader.addEventListener("error", () => reject(new Error(`${file.name} can't be read`)));
    reader.readAsDataURL(file);
  });
  return { type: file.type || "image/png", data: url.slice(url.indexOf(",") + 1), name: file.name };
}

/** A red square and a blue circle. */
export function sampleImage(): Image {
  const canvas = document.createElement("canvas");
  canvas.width = 96;
  canvas.height = 64;
  const context = canvas.getContext("2d");
  if (context !== null) {
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, 96, 64);
    context.fillStyle = "#d6453d";
    context.fillRect(10, 12, 32, 40);
    context.fillStyle = "#3c57c4";
    context.beginPath();
    context.arc(68, 32, 18, 0, 2 * Math.PI);
    context.fill();
  }
  const url = canvas.toDataURL("image/png");
  return { type: "image/png", data: url.slice(url.indexOf(",") + 1), name: "sample.png" };
}
