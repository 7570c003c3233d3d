import { Button, FileButton, Group, Pill, Stack, Text, Textarea } from "@mantine/core";
import { IconPhotoPlus, IconPlayerStop, IconSend } from "@tabler/icons-react";
import { useState } from "react";

import { useStrings } from "#/language/strings";

import type { Image, Turn } from "./conversation";
import { imageFrom, LARGEST, sampleImage } from "./images";
import { strings } from "./strings";

interface Props {
  disabled: boolean;
  running: boolean;
  onSend: (turn: Turn) => void;
  onStop: () => void;
}

export function Composer({ disabled, running, onSend, onStop }: Props) {
  const t = useStrings(strings);
  const [text, setText] = useState("");
  const [images, setImages] = useState<readonly Image[]>([]);
  const [tooLarge, setTooLarge] = useState(false);
  const ready = !disabled && !running && text.trim() !== "";
  const send = () => {
    if (!ready) return;
    onSend({ role: "user", text, images });
    setText("");
    setImages([]);
  };
  const add = async (file: File | null) => {
    setTooLarge(file !== null && file.size > LARGEST);
    if (file !== null && file.size <= LARGEST) {
      const image = await imageFrom(file);
      setImages((before) => [...before, image]);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Stack gap="xs">
        <Textarea
          label={t.message}
          placeholder={t.messagePlaceholder}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              send();
            }
          }}
          autosize
          minRows={2}
          maxRows={10}
        />
        {images.length > 0 && (
          <Group gap="xs">
            {images.map((image, index) => (
              <Pill
                key={`${image.name}-${image.data.length}-${image.data.slice(-16)}`}
                withRemoveButton
                removeButtonProps={{ "aria-label": t.removeImage(image.name), tabIndex: 0 }}
                onRemove={() => setImages(images.filter((_, other) => other !== index))}
              >
                {image.name}
              </Pill>
            ))}
          </Group>
        )}
        {tooLarge && (
          <Text size="sm" c="red" role="alert">
            {t.tooLarge}
          </Text>
        )}
        <Group justify="space-between">
          <Group gap="xs">
            <FileButton accept="image/png,image/jpeg,image/webp,image/gif" onChange={(file) => void add(file)}>
              {(props) => (
                <Button {...props} size="xs" variant="default" leftSection={<IconPhotoPlus size={14} aria-hidden />}>
                  {t.attach}
                </Button>
              )}
            </FileButton>
            <Button size="xs" variant="default" onClick={() => setImages([...images, sampleImage()])}>
              {t.sample}
            </Button>
          </Group>
          {running ? (
            <Button variant="default" leftSection={<IconPlayerStop size={16} aria-hidden />} onClick={onStop}>
              {t.stop}
            </Button>
          ) : (
            <Button type="submit" disabled={!ready} leftSection={<IconSend size={16} aria-hidden />}>
              {t.send}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}
