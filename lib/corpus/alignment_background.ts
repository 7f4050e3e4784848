/**
 * Everyday prose of no theme. Any two passages of a novel resemble each other merely by being narrated; subtracting what
 * these have in common leaves what a passage is about. Written for this project.
 */
export const BACKGROUND: readonly string[] = [
  "The kettle had gone cold, and nobody in the kitchen seemed inclined to light the stove again before supper.",
  "She folded the letter twice, put it into her pocket, and said that it was too fine an afternoon for quarrelling.",
  "My aunt kept a small shop at the corner, where she sold candles, ribbon and, on Saturdays, fresh eggs.",
  "It rained all that day, and the children were allowed to build a castle out of the drawing-room chairs.",
  "He had never cared for dancing, and he stood by the door with his hat in his hand until the music was over.",
  "When the doctor had gone she sat a long while by the bed and listened to the clock in the hall.",
  "Mrs. Harland wished to know whether the curate was to be asked to dinner, and if so, whether there would be fish.",
  "He loved her, he thought, but he could not find the words, and in the end he spoke of the garden.",
  "A thin snow lay on the roofs, and from the church came the sound of somebody practising the organ.",
  "They breakfasted late, on bread and honey, and talked of cousins who had lately married.",
  "The old woman counted the coins out upon the table, one by one, and pushed them across to him without a word.",
  "I was ill that spring, and I remember little of it except the pattern of the wallpaper and the taste of broth.",
  "He woke with a headache, complained to his landlady of the noise, and went out to look for coffee.",
  "“You are very late,” said his mother, without lifting her eyes from her sewing; “your soup is on the table.”",
  "The two sisters had not spoken since the funeral, though their houses stood in the same street.",
  "A dog slept in the sun before the gate, and only moved its ears when the postman went by.",
  "She laughed at him, then saw that he was in earnest, and coloured, and asked him to shut the window.",
  "The room was low and dark, with a smell of lavender, and a portrait of a stout gentleman hung above the sofa.",
  "“I never said so,” answered the girl; “I only said that he had a kind face and dreadful boots.”",
  "Next morning the baby had a cough, and the whole household went about on tiptoe until noon.",
  "He had borrowed the money from his brother, and it vexed him that his brother never mentioned it.",
  "The apples were small that year, and most of them went to the pig.",
  "She could not sleep; she thought of what he had said upon the stairs, and of what she ought to have answered.",
  "There was a wedding at the inn, and the fiddler had already been drinking since dinner.",
];
